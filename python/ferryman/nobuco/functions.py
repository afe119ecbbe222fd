"""nobuco's functions for use inside of models."""

from __future__ import annotations

from typing import Any

import torch

import ferryman

traceable = ferryman.traceable


def force_tensorflow_order(inputs: Any) -> Any:
    """Gives back what it gets: layouts are planned for the whole model, with the fewest bytes
    moved."""
    return inputs


def force_pytorch_order(inputs: Any) -> Any:
    """Gives back what it gets, as force_tensorflow_order."""
    return inputs


def shape(x: torch.Tensor, dim: int | None = None) -> Any:
    """The sizes of a tensor as tensors of int32, all of them or one; along free axes they follow
    the input. `x.shape` does as well."""
    sizes = tuple(torch.scalar_tensor(size, dtype=torch.int32) for size in x.shape)
    return sizes if dim is None else sizes[dim]


def length(x: torch.Tensor) -> torch.Tensor:
    """The first of the sizes."""
    return shape(x, 0)
