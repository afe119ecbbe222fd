"""Positions that only a run tells, where torch's own code wants numbers.

    with ComputedIndices():
        y[:, at] = value            # at = x.item()
        torch.narrow(x, 1, at, 5)   # at: a tensor

torch.export knows x[:, at] and x.narrow(1, at.item(), 5), but not these two.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class ComputedIndices(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.Tensor.__setitem__ and has_open_number(args[1]):
            return write_at(*args)
        if func in (torch.narrow, torch.Tensor.narrow):
            return _narrow(*args, **kwargs)
        return func(*args, **kwargs)


def _narrow(input, dim, start, length):
    if isinstance(start, torch.Tensor):
        start = start.item()
    return torch.ops.aten.narrow(input, dim, start, length)


def has_open_number(index: Any) -> bool:
    """Whether a position is a number that torch knows by a symbol, and all else is plain."""
    elements = index if isinstance(index, tuple) else (index,)
    is_open = any(isinstance(element, torch.SymInt) for element in elements)
    return is_open and all(map(_is_plain, elements))


def _is_plain(element: Any) -> bool:
    if isinstance(element, bool):
        return False
    return element is None or element is ... or isinstance(element, (int, torch.SymInt, slice))


def write_at(tensor: torch.Tensor, index: Any, value: Any) -> None:
    """`tensor[index] = value`"""
    part = _part_of(tensor, index if isinstance(index, tuple) else (index,))
    if not isinstance(value, torch.Tensor):
        part.fill_(value)
        return
    while value.dim() > part.dim() and value.shape[0] == 1:
        value = value.squeeze(0)
    part.copy_(value)


def _part_of(tensor: torch.Tensor, elements: tuple) -> torch.Tensor:
    used = sum(element is not None and element is not ... for element in elements)
    axis = 0
    for element in elements:
        if element is None:
            tensor = tensor.unsqueeze(axis)
            axis += 1
        elif element is ...:
            axis = tensor.dim() - used
        elif isinstance(element, slice):
            tensor = tensor[(slice(None),) * axis + (element,)]
            axis += 1
        else:
            tensor = tensor.select(axis, element)
        used -= element is not None and element is not ...
    return tensor
