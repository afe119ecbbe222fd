"""Small configurations of transformers' model types.

    for config in small_configs("llama"):       # the smallest first
        AutoModel.from_config(config)

A configuration keeps its type's defaults, but for sizes. `_tiny` sets sizes that models share to
fixed ones, which fits together in most types. Where it does not, the defaults do, and `_scaled`
divides all their widths by one number: heads, groups and ratios stay what they were; or there are
so many fewer heads, of their own size.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

VOCABULARY, IMAGE = 100, 64

# Sizes by the names that configurations use; those that one lacks are left out.
_TINY: dict[str, Any] = {
    "hidden_size": 32, "d_model": 32, "dim": 32, "n_embd": 32, "embed_dim": 32,
    "embedding_size": 32, "emb_dim": 32, "hidden_dim": 32, "projection_dim": 32,
    "decoder_hidden_size": 32,
    "intermediate_size": 64, "ffn_dim": 64, "n_inner": 64, "d_ff": 64, "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64, "mlp_dim": 64, "moe_intermediate_size": 32, "ffn_hidden_size": 64,
    "num_hidden_layers": 2, "num_layers": 2, "n_layer": 2, "n_layers": 2, "encoder_layers": 2,
    "decoder_layers": 2, "num_decoder_layers": 2, "num_encoder_layers": 2, "depth": 2,
    "num_attention_heads": 4, "num_heads": 4, "n_head": 4, "n_heads": 4,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_key_value_heads": 2,
    "num_kv_heads": 2, "head_dim": 8,
    "d_kv": 8, "d_inner": 64, "d_head": 8, "rotary_dim": 4,
    "vocab_size": VOCABULARY, "max_position_embeddings": 64, "n_positions": 64, "n_ctx": 64,
    "max_source_positions": 100, "max_target_positions": 64, "type_vocab_size": 2,
    "num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2,
    "image_size": IMAGE, "num_mel_bins": 16, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2, "decoder_start_token_id": 1, "use_cache": False, "sliding_window": 8,
    "use_mamba_kernels": False, "layerdrop": 0.0, "vocab_size_per_layer_input": VOCABULARY,
}  # fmt: skip

# Numbers that are not widths, at most so large.
_AT_MOST: dict[str, int] = {
    "num_experts": 8, "num_local_experts": 8, "n_routed_experts": 8, "moe_num_experts": 8,
    "num_routed_experts": 8, "num_experts_per_tok": 2, "num_experts_per_token": 2, "moe_topk": 2,
    "moe_k": 2, "top_k_experts": 2, "moe_top_k": 2, "n_group": 1, "topk_group": 1,
    "num_kv_shared_layers": 0, "first_k_dense_replace": 1, "num_nextn_predict_layers": 0,
    "prediction_length": 4, "num_queries": 20, "num_denoising": 0, "max_position_embeddings": 512,
    "num_frames": 8, "sliding_window": 8, "vocab_size_per_layer_input": VOCABULARY,
}  # fmt: skip
_FIXED: dict[str, Any] = {
    "use_cache": False, "use_mamba_kernels": False, "layerdrop": 0.0, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1, "prediction_length": 4,
    "default_language": "en_XX", "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0,
}  # fmt: skip

_WHERE_OPEN: dict[str, Any] = {
    "vocab_size": VOCABULARY, "num_experts_per_tok": 2, "prediction_length": 4,
    "default_language": "en_XX", "num_key_value_heads": 4, "sliding_window": 8, "pad_token_id": 0,
    "mask_token_id": 3,
}  # fmt: skip

_DEPTH = re.compile(r"layers$|^n_layer$|^depth$|^num_blocks$")
_WIDTH = re.compile(
    r"hidden|embed|dim|d_model|d_ff|d_kv|ffn|inner|intermediate|width|rank|channels|d_head|n_embd"
)
_NO_WIDTH = re.compile(
    r"vocab|patch|kernel|image|window|position|layer|act|num_channels|dropout|bins|input_feat|frame"
)
_HEADS = re.compile(r"heads|^n_head$|^num_query_groups$")
_OF_A_HEAD = re.compile(r"head_?dim|rope|^d_head$|^d_kv$|^kv_channels$|lora_rank")
_INDICES = re.compile(r"ind(ic|ex)es$|(layer|block)s?_(ids|idx|types)$")


@dataclasses.dataclass(frozen=True)
class Scale:
    """widths are divided by `by`; or, with `heads`, their number and the widths around them."""

    by: int
    heads: bool = False


_SCALES = (Scale(16), Scale(8), Scale(8, heads=True), Scale(4), Scale(4, heads=True), Scale(1))


def small_configs(kind: str) -> Iterator[Any]:
    from transformers import CONFIG_MAPPING

    kinds = CONFIG_MAPPING[kind]
    for make in (lambda: _tiny(kinds()), *(lambda s=s: _scaled(kinds(), s) for s in _SCALES)):
        try:
            yield _complete(make())
        except Exception:  # noqa: BLE001  a configuration may check itself
            continue


def _tiny(config):
    for name, value in _TINY.items():
        if _has_number(config, name):
            _set(config, name, value)
    layers = getattr(config, "num_hidden_layers", None)
    kinds = getattr(config, "layer_types", None)
    if isinstance(kinds, list) and isinstance(layers, int):
        _set(config, "layer_types", (kinds * layers)[:layers])
    for value in list(vars(config).values()):
        if hasattr(value, "to_dict"):
            _tiny(value)
    return config


def _complete(config):
    """Some types leave sizes open that their models need."""
    given = vars(config)
    heads, width = given.get("num_attention_heads"), given.get("hidden_size")
    if given.get("head_dim", 0) is None and isinstance(heads, int) and isinstance(width, int):
        _set(config, "head_dim", width // heads)
    for name, value in _WHERE_OPEN.items():
        if name in given and given[name] is None:
            _set(config, name, value)
    text, vision = given.get("text_config"), given.get("vision_config")
    if hasattr(text, "hidden_size") and "out_hidden_size" in vars(vision or config):
        _set(vision, "out_hidden_size", text.hidden_size)
    for name, value in list(given.items()):
        if _is_mark(name) and isinstance(value, int) and value >= VOCABULARY:
            _set(config, name, VOCABULARY - 1 - _place(name, given))
        if hasattr(value, "to_dict"):
            _complete(value)
    return config


def repair(config, message: str) -> bool:
    """Changes what a model's error complains of; whether there was anything."""
    found = re.search(r"split_sizes to sum exactly to (\d+)", message)
    if not found:
        return False
    # Positions in time, height and width each turn a share of a head; defaults count in numbers.
    size = int(found.group(1))
    part = max(1, 3 * size // 8)
    for text in (config, getattr(config, "text_config", None)):
        rope = vars(text).get("rope_parameters") if text is not None else None
        if isinstance(rope, dict):
            _set(text, "rope_parameters", rope | {"mrope_section": [size - 2 * part, part, part]})
    return True


def _has_number(config, name: str) -> bool:
    if isinstance(vars(config).get(name), (bool, int, float)):
        return True
    try:
        return isinstance(getattr(config, name, None), (bool, int, float))
    except Exception:  # noqa: BLE001  a size that differs from layer to layer
        return False


def _set(config, name: str, value) -> None:
    try:
        setattr(config, name, value)
    except (AttributeError, ValueError, TypeError, NotImplementedError):
        pass  # derived from another one


# In proportion -----------------------------------------------------------------------------------


def _scaled(config, scale: Scale):
    """The configuration made anew from scaled values, so that it derives from them what it does."""
    given = {
        field.name: vars(config)[field.name]
        for field in dataclasses.fields(config)
        if field.init and field.name in vars(config)
    }
    layers = _kept_layers(given)
    values = {
        name: _scale(name, value, scale, layers, given)
        for name, value in given.items()
        if not name.startswith("_")
    }
    values |= {name: value for name, value in _FIXED.items() if name in given}
    return type(config)(**values)


def _scale(name: str, value, scale: Scale, layers: dict[int, int], given: dict[str, Any]):
    if hasattr(value, "to_dict"):
        return _scaled(value, scale)
    if isinstance(value, dict):
        return {key: _scale(key, item, scale, layers, given) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_scale_list(name, list(value), scale, layers, given))
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    if name in _AT_MOST:
        return min(value, _AT_MOST[name])
    if name.endswith("vocab_size") and value > VOCABULARY:
        return VOCABULARY
    if _is_mark(name) and value >= VOCABULARY - 20:
        return VOCABULARY - 1 - _place(name, given)
    if _DEPTH.search(name) and value == len(_depth_of(given)):
        return len(layers)
    if name == "image_size":
        return _image_size(value, given)
    if scale.heads and _HEADS.search(name):
        return max(1, value // scale.by)
    if scale.heads and _OF_A_HEAD.search(name):
        return value
    return _width(value, scale.by) if _is_width(name) else value


def _scale_list(name: str, values: list, scale: Scale, layers, given) -> list:
    depth = len(_depth_of(given))
    if depth and len(values) == depth and not (_is_width(name) and depth < 6):
        values = [values[old] for old in layers]
    elif _INDICES.search(name) and depth and all(type(v) is int and v < depth for v in values):
        return [layers[old] for old in values if old in layers]
    if name == "depths" and len(values) > 1:
        return [min(value, 2) for value in values]
    is_scaled = not scale.heads if name == "mrope_section" else _is_width(name)
    if is_scaled and all(type(value) is int for value in values):
        return [_width(value, scale.by) for value in values]
    return [_scaled(value, scale) if hasattr(value, "to_dict") else value for value in values]


def _is_width(name: str) -> bool:
    return bool(_WIDTH.search(name) and not _NO_WIDTH.search(name)) or name == "hidden_sizes"


def _width(value: int, scale: int) -> int:
    return value // scale if value % scale == 0 and value // scale >= 1 and value >= 16 else value


def _is_mark(name: str) -> bool:
    """A token that stands for something else than a word."""
    return bool(re.search(r"token_(id|index)$", name))


def _place(name: str, given: dict[str, Any]) -> int:
    """Each token with a meaning has a number of its own."""
    return list(filter(_is_mark, given)).index(name)


def _image_size(value: int, given: dict[str, Any]) -> int:
    patch = given.get("patch_size")
    if not isinstance(patch, int) or "window_size" in given or patch < 8:
        return value
    return min(value, 4 * patch)


def _depth_of(given: dict[str, Any]) -> range:
    """The layers of a stack of equal ones; none where sizes are given stage by stage."""
    numbers = [
        value
        for name, value in given.items()
        if _DEPTH.search(name) and type(value) is int and value > 1
        and name not in _AT_MOST
    ]  # fmt: skip
    lists = [value for value in given.values() if isinstance(value, (list, tuple))]
    for number in numbers:
        same = [values for values in lists if len(values) == number]
        if not same or any(isinstance(value, str) for values in same for value in values):
            return range(number)
    return range(0)


def _kept_layers(given: dict[str, Any]) -> dict[int, int]:
    """The place of each layer that is kept: two, and one of each kind."""
    depth = len(_depth_of(given))
    kept: list[int] = []
    for values in given.values():
        if isinstance(values, (list, tuple)) and len(values) == depth:
            firsts = {str(value): place for place, value in reversed(list(enumerate(values)))}
            kept += firsts.values()
    kept += range(min(depth, 2))
    return {old: new for new, old in enumerate(sorted(set(kept)))}
