"""What torch.export does not see or cannot say, in words that it follows:

    program = in_modes(model, lambda: torch.export.export(model, args))

Modes of torch functions answer for torch there. torch.cond and its like cannot be captured in them,
so this is a way of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from .computed_indices import ComputedIndices
from .packed import PackedSequences

_Result = TypeVar("_Result")
_DATA = torch.Tensor.data


def in_modes(module: nn.Module, way: Callable[[], _Result], *, may_freeze: bool = False) -> _Result:
    """The way, with forward under modes of its own, inside of those of the tracer."""
    forward, was_given = module.forward, "forward" in module.__dict__

    @functools.wraps(forward)
    def inside(*args, **kwargs):
        with _DetachedData(), ComputedIndices(), PackedSequences(may_freeze=may_freeze) as packed:
            return packed.as_torch_has(forward(*args, **kwargs))

    module.forward = inside
    try:
        return way()
    finally:
        if was_given:
            module.forward = forward
        else:
            del module.forward


class _DetachedData(TorchFunctionMode):
    """`x.data` is `x.detach()` under another name, past the tracer. `x.data = y` is a write to what
    the variable stands for, and stays an error."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func == _DATA.__get__:
            return args[0].detach()
        if func == _DATA.__set__:
            raise RuntimeError("a tensor's `data` is assigned: use `x = y`, or `x.copy_(y)`")
        return func(*args, **(kwargs or {}))
