"""Inputs of transformers' models, by the parameters of forward.

    for form in forms(parameters, config):      # the plainest first
        form.make()

The same name stands for tensors of several forms: pixel_values are an image, frames of a video, or
patches with a grid. A form is one choice; whoever asks tries them on the model.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from families.transformers_configs import IMAGE, VOCABULARY

TOKENS, SAMPLES, FRAMES, GRID = 12, 4000, 200, 4
_PLAIN_TOKENS = VOCABULARY - 20  # those beyond have a meaning


@dataclasses.dataclass(frozen=True)
class Form:
    """pixels: "image", "frames", "patches", "tiles"; audio: "mel", "mel last", "wave", "channel".
    masks: masks of ones, too. marks: so many tokens stand for parts of an image or a sound."""

    config: Any
    parameters: Mapping[str, inspect.Parameter]
    pixels: str = "image"
    audio: str = "mel"
    masks: bool = False
    everything: bool = True
    marks: int = 0

    def make(self) -> dict[str, torch.Tensor]:
        given: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            needed = parameter.default is inspect.Parameter.empty
            makes = _MAKE.get(name)
            is_wanted = self.masks or needed or (name in _OF_PATCHES and self.pixels == "patches")
            if name in _MASKS and not is_wanted:
                continue
            if name in _EXTRA and not (self.everything or needed):
                continue
            if makes is not None and name not in ("self", "kwargs"):
                value = makes(self)
                if value is not None:
                    given[name] = value
        if "use_cache" in self.parameters:
            given["use_cache"] = False
        return given

    def sizes(self) -> list[str]:
        """Those that say how large others are."""
        return [name for name in self.make() if name in _SIZES]


def forms(parameters: Mapping[str, inspect.Parameter], config) -> Iterator[Form]:
    pixels = ["image", "frames", "patches", "tiles"] if _any(parameters, "pixel", "grid") else [""]
    audio = ["mel", "mel last", "wave", "channel"] if _any(parameters, "input_", "audio") else [""]
    if not _any(parameters, "input_features", "input_values", "audio"):
        audio = [""]
    for masks, pixel, sound in itertools.product((False, True), pixels, audio):
        yield Form(config, parameters, pixel or "image", sound or "mel", masks)
    for masks in (False, True):
        yield Form(config, parameters, masks=masks, everything=False)


def _any(parameters, *parts: str) -> bool:
    return any(part in name for name in parameters for part in parts)


def with_marks(form: Form, marks: int) -> Form:
    return dataclasses.replace(form, marks=marks)


# Sizes -------------------------------------------------------------------------------------------


def _part(config, *names: str):
    for name in names:
        part = getattr(config, name, None)
        if part is not None and not isinstance(part, dict):
            return part
    return config


def _vision(form: Form):
    return _part(form.config, "vision_config", "backbone_config", "image_encoder_config")


def _number(config, default: int, *names: str) -> int:
    for name in names:
        value = vars(config).get(name)
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], int):
            return value[0]
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return default


def _size(form: Form) -> tuple[int, int]:
    size = vars(_vision(form)).get("image_size")
    size = vars(form.config).get("image_size") if size is None else size
    if isinstance(size, (list, tuple)) and len(size) == 2:
        return tuple(size)
    return (size, size) if isinstance(size, int) else (IMAGE, IMAGE)


# Values ------------------------------------------------------------------------------------------


def _tokens(form: Form) -> torch.Tensor:
    tokens = torch.randint(3, _PLAIN_TOKENS, (1, TOKENS + form.marks))
    mark = _number(form.config, -1, "image_token_id", "image_token_index", "audio_token_id",
                   "audio_token_index", "media_token_id")  # fmt: skip
    tokens[tokens == mark] = 2
    if mark >= 0:
        tokens[:, 2 : 2 + form.marks] = mark
    return tokens


def _pixels(form: Form) -> torch.Tensor:
    vision = _vision(form)
    channels = _number(vision, 3, "num_channels", "in_channels", "in_chans")
    if form.pixels == "patches":
        patch = _number(vision, 14, "patch_size")
        steps = _number(vision, 1, "temporal_patch_size")
        return torch.randn(GRID * GRID, channels * steps * patch * patch)
    height, width = _size(form)
    if form.pixels == "image":
        return torch.randn(1, channels, height, width)
    count = _number(vision, _number(form.config, 2, "num_frames"), "num_frames")
    return torch.randn(1, count if form.pixels == "frames" else 2, channels, height, width)


def _grid(form: Form) -> torch.Tensor | None:
    return torch.tensor([[1, GRID, GRID]]) if form.pixels == "patches" else None


def _frames_of_video(form: Form) -> torch.Tensor:
    return _pixels(dataclasses.replace(form, pixels="frames"))


def _sound(form: Form) -> torch.Tensor:
    config = _part(form.config, "audio_config", "audio_encoder_config", "encoder_config",
                   "speech_encoder_config")  # fmt: skip
    bins = _number(config, 16, "num_mel_bins", "input_feat_per_channel", "feature_size", "n_mels",
                   "mel_bins", "num_mel_channels", "input_dim",
                   "feature_projection_input_dim")  # fmt: skip
    steps = _number(config, FRAMES // 2, "max_source_positions") * 2
    if form.audio == "mel":
        return torch.randn(1, bins, steps)
    if form.audio == "mel last":
        return torch.randn(1, _number(config, FRAMES, "max_length"), bins)
    samples = _number(config, SAMPLES, "hop_length") * 4 if form.audio == "channel" else SAMPLES
    return torch.randn(1, 1, samples) if form.audio == "channel" else torch.randn(1, samples)


def _wave(form: Form) -> torch.Tensor:
    # The plain form of input_values are samples.
    plain = {"mel": "wave", "wave": "mel"}.get(form.audio, form.audio)
    return _sound(dataclasses.replace(form, audio=plain))


def _ones_like(make, dtype=torch.int64, axis=None):
    def ones(form: Form) -> torch.Tensor:
        shape = make(form).shape
        return torch.ones(shape if axis is None else (shape[0], shape[axis]), dtype=dtype)

    return ones


def _past(form: Form) -> torch.Tensor:
    config = form.config
    lags = vars(config).get("lags_sequence") or [0]
    length = _number(config, 16, "context_length", "prediction_length") + max(lags)
    channels = _number(config, 1, "num_input_channels", "input_size")
    return torch.rand(1, length, channels) if channels > 1 else torch.rand(1, length)


def _features(*names: str, length: int = TOKENS, default: int = 32):
    def make(form: Form) -> torch.Tensor:
        return torch.randn(1, length, _number(form.config, default, *names, "hidden_size"))

    return make


_MASKS: dict[str, Any] = {
    "attention_mask": _ones_like(_tokens),
    "feature_attention_mask": _ones_like(_sound, axis=-1),
    "input_features_mask": _ones_like(_sound, axis=-1),
    "pixel_attention_mask": lambda form: torch.ones(1, 2, *_size(form), dtype=torch.bool)
    if form.pixels == "tiles" else torch.ones(1, *_size(form), dtype=torch.int64),
    "padding_mask": _ones_like(_wave),
    "mm_token_type_ids": lambda form: (_tokens(form) >= _PLAIN_TOKENS).long(),
}  # fmt: skip
_SIZES = ("grid_thw", "image_grid_thw", "image_sizes")
_OF_PATCHES = ("mm_token_type_ids",)
# Second parts, which many models do without.
_EXTRA: dict[str, Any] = {
    "pixel_values": _pixels,
    "input_features": _sound,
    "image_grid_thw": _grid,
}
_MAKE: dict[str, Any] = {
    **_MASKS,
    **_EXTRA,
    "input_ids": _tokens,
    "decoder_input_ids": _tokens,
    "input_values": _wave,
    "pixel_values_videos": lambda form: None if "pixel_values" in form.parameters
    else _frames_of_video(form),
    "grid_thw": lambda form: torch.tensor([[1, GRID, GRID]]),
    "image_sizes": lambda form: torch.tensor([_size(form)]),
    "high_res_pixel_values": _pixels,
    "bbox": lambda form: torch.randint(0, 50, (1, TOKENS, 4)).sort(-1).values,
    "qformer_input_ids": _tokens,
    "task_inputs": _tokens,
    "query_embeds": lambda form: torch.randn(1, 8, _number(form.config, 32, "hidden_size")),
    "visual_feats": _features("visual_feat_dim", length=6),
    "visual_pos": lambda form: torch.rand(1, 6, 4),
    "past_values": _past,
    "past_values_padding": lambda form: torch.zeros(1, _past(form).shape[1]),
    "past_time_features": lambda form: torch.rand(
        1, _past(form).shape[1], _number(form.config, 1, "num_time_features") or 1),
    "past_observed_mask": _ones_like(_past),
    "future_values": lambda form: torch.rand(1, _number(form.config, 4, "prediction_length")),
    "future_time_features": lambda form: torch.rand(
        1, _number(form.config, 4, "prediction_length"),
        _number(form.config, 1, "num_time_features") or 1),
    "states": lambda form: torch.randn(1, 4, _number(form.config, 17, "state_dim")),
    "actions": lambda form: torch.randn(1, 4, _number(form.config, 4, "act_dim")),
    "rewards": lambda form: torch.randn(1, 4, 1),
    "returns_to_go": lambda form: torch.randn(1, 4, 1),
    "timesteps": lambda form: torch.arange(4)[None],
    "hidden_states": lambda form: _pixels(dataclasses.replace(form, pixels="patches"))
    if "grid_thw" in form.parameters
    else torch.randn(1, TOKENS, _number(form.config, 32, "hidden_size")),
    "noise_sequence": lambda form: torch.randn(
        1, FRAMES, _number(form.config, 64, "model_in_channels")),
    "noise": lambda form: torch.rand(1, (_size(form)[0] // _number(_vision(form), 16, "patch_size"))
                                     ** 2),
}  # fmt: skip
