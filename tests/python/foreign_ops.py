"""Operators that no converter knows: of a library of their own, without a decomposition."""

import torch


@torch.library.custom_op("foreign::invert", mutates_args=())
def invert(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.inv(x)


@torch.library.custom_op("foreign::spectrum", mutates_args=())
def spectrum(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.svdvals(x)


@invert.register_fake
def _(x):
    return torch.empty_like(x)


@spectrum.register_fake
def _(x):
    return x.new_empty(x.shape[:-1])
