"""transformers: every model type with a configuration of its own, made tiny.

A configuration keeps its type's defaults, but for sizes: two layers, a width of 32, a vocabulary of
100. What a type's forward takes is found from its signature.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import torch
from torch import nn

from families.family import Family, Inputs
from models import zoo

TOKENS, VOCABULARY, IMAGE, SAMPLES = 12, 100, 64, 4000

# Sizes by the names that configurations use; those that one lacks are left out.
_TINY: dict[str, Any] = {
    "hidden_size": 32, "d_model": 32, "dim": 32, "n_embd": 32, "embed_dim": 32, "embedding_size": 32,
    "emb_dim": 32, "hidden_dim": 32, "projection_dim": 32, "decoder_hidden_size": 32,
    "intermediate_size": 64, "ffn_dim": 64, "n_inner": 64, "d_ff": 64, "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64, "mlp_dim": 64, "moe_intermediate_size": 32, "ffn_hidden_size": 64,
    "num_hidden_layers": 2, "num_layers": 2, "n_layer": 2, "n_layers": 2, "encoder_layers": 2,
    "decoder_layers": 2, "num_decoder_layers": 2, "num_encoder_layers": 2, "depth": 2,
    "num_attention_heads": 4, "num_heads": 4, "n_head": 4, "n_heads": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "num_key_value_heads": 2, "num_kv_heads": 2, "head_dim": 8,
    "d_kv": 8, "d_inner": 64, "d_head": 8, "rotary_dim": 4,
    "vocab_size": VOCABULARY, "max_position_embeddings": 64, "n_positions": 64, "n_ctx": 64,
    "max_source_positions": 100, "max_target_positions": 64, "type_vocab_size": 2,
    "num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2,
    "image_size": IMAGE, "num_mel_bins": 16, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    "decoder_start_token_id": 1, "use_cache": False, "sliding_window": 8,
    "use_mamba_kernels": False, "layerdrop": 0.0,
}  # fmt: skip


def families() -> list[Family]:
    return [
        Family("transformers", kind, functools.partial(make, kind), functools.partial(inputs, kind))
        for kind in kinds()
    ]


@functools.cache
def kinds() -> tuple[str, ...]:
    zoo.define_torchvision_operators()  # it imports torchvision
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    return tuple(sorted(MODEL_MAPPING_NAMES))


@functools.cache
def tiny_config(kind: str):
    from transformers import CONFIG_MAPPING

    kinds = CONFIG_MAPPING[kind]
    return shrink(kinds())


def shrink(config):
    for name, value in _TINY.items():
        old = getattr(config, name, None)
        if isinstance(old, (bool, int, float)):
            _set(config, name, value)
    _shrink_lists(config)
    for value in list(vars(config).values()):
        if hasattr(value, "to_dict"):
            shrink(value)
    return config


def _set(config, name: str, value) -> None:
    try:
        setattr(config, name, value)
    except (AttributeError, ValueError, TypeError, NotImplementedError):
        pass  # derived from another one


def _shrink_lists(config) -> None:
    layers = getattr(config, "num_hidden_layers", None)
    kinds = getattr(config, "layer_types", None)
    if isinstance(kinds, list) and isinstance(layers, int):
        _set(config, "layer_types", (kinds * layers)[:layers])


def make(kind: str) -> nn.Module:
    from transformers import AutoModel

    return TensorsOnly(AutoModel.from_config(tiny_config(kind)))


class TensorsOnly(nn.Module):
    """Returns the tensors of a model's output, which may hold caches and other objects as well."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, **inputs):
        outputs = self.model(**inputs)
        items = outputs.items() if hasattr(outputs, "items") else {"output": outputs}.items()
        return {name: value for name, value in items if isinstance(value, torch.Tensor)}


def inputs(kind: str, seed: int) -> Inputs:
    config = tiny_config(kind)
    from transformers import AutoModel

    with torch.device("meta"):
        model = AutoModel.from_config(config)
    parameters = inspect.signature(model.forward).parameters
    given = {}
    for name, make_tensor in _INPUTS.items():
        if name in parameters:
            given[name] = make_tensor(config)
    if "decoder_input_ids" in parameters:
        given["decoder_input_ids"] = _tokens(config)
    if "use_cache" in parameters:
        given["use_cache"] = False
    return (), given


def _vision(config):
    return getattr(config, "vision_config", None) or config


def _tokens(config) -> torch.Tensor:
    return torch.randint(3, VOCABULARY, (1, TOKENS))


def _pixels(config) -> torch.Tensor:
    vision = _vision(config)
    channels = getattr(vision, "num_channels", None)
    size = getattr(vision, "image_size", None)
    size = size if isinstance(size, int) else IMAGE
    return torch.randn(1, channels if isinstance(channels, int) else 3, size, size)


def _mel(config) -> torch.Tensor:
    bins = getattr(config, "num_mel_bins", 16)
    return torch.randn(1, bins, 2 * getattr(config, "max_source_positions", 100))


_INPUTS = {
    "input_ids": _tokens,
    "pixel_values": _pixels,
    "input_features": _mel,
    "input_values": lambda config: torch.randn(1, SAMPLES),
}
