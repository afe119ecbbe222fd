"""x[i] where i is a tensor that stands for a number, which is known when the program runs."""

from __future__ import annotations

import operator
from typing import Any

import torch

from ..computed_indices import has_open_number, write_at
from .opened import is_open, opened
from .reasons import CannotRewrite


def item_of(value: Any, index: Any) -> Any:
    """`value[index]`"""
    if isinstance(value, (list, tuple)) and _is_number(opened(index)):
        return _item_of_list(value, index)
    if not isinstance(value, torch.Tensor):
        return value[index]
    places = _Places(value, index)
    if not places.axes:
        return value[index]
    return value[places.index].squeeze(places.axes[0])


def set_item(new: Any, value: Any, index: Any) -> None:
    """`value[index] = new`"""
    if isinstance(value, torch.Tensor) and has_open_number(index):
        write_at(value, index, new)
        return
    places = _Places(value, index) if isinstance(value, torch.Tensor) else None
    if places is None or not places.axes:
        value[index] = new
        return
    behind = places.num_axes - 1 - places.axes[0]
    if isinstance(new, torch.Tensor) and new.dim() > behind:
        new = new.unsqueeze(new.dim() - behind)
    value[places.index] = new


def update_item(value: Any, index: Any, operation: str, operand: Any) -> None:
    """`value[index] += operand`"""
    result = getattr(operator, operation)(item_of(value, index), operand)
    set_item(result, value, index)


class _Places:
    """An index in which open numbers are tensors of one element: torch gathers them.

    axes: where these stand in the result, which has num_axes of them; none if nothing is open.
    """

    def __init__(self, tensor: torch.Tensor, index: Any):
        elements = [*index] if isinstance(index, tuple) else [index]
        elements = [opened(element) for element in elements]
        self.axes: list[int] = []
        if not any(map(_is_number, elements)):
            return
        elements = _without_ellipsis(elements, tensor.dim())
        result = 0
        for position, element in enumerate(elements):
            if _is_number(element):
                elements[position] = element.reshape(1)
                self.axes.append(result)
            elif isinstance(element, torch.Tensor) or not isinstance(
                element, (int, slice, type(None))
            ):
                raise CannotRewrite(
                    "an index has other tensors beside those that Python counts with"
                )
            result += type(element) is not int
        if self.axes != list(range(self.axes[0], self.axes[0] + len(self.axes))):
            raise CannotRewrite("an index has numbers that are tensors before and after a slice")
        self.num_axes = result - len(self.axes) + 1
        self.index = tuple(elements)


def _without_ellipsis(elements: list[Any], num_axes: int) -> list[Any]:
    """As many elements as axes."""
    used = sum(element is not None and element is not ... for element in elements)
    missing = [slice(None)] * (num_axes - used)
    if not any(element is ... for element in elements):
        return elements + missing
    place = next(p for p, element in enumerate(elements) if element is ...)
    return elements[:place] + missing + elements[place + 1 :]


def _is_number(element: Any) -> bool:
    return (
        isinstance(element, torch.Tensor)
        and element.dim() == 0
        and not element.is_floating_point()
        and element.dtype is not torch.bool
        and is_open(element)
    )


def _item_of_list(values: list | tuple, index: Any) -> torch.Tensor:
    shapes = {tuple(v.shape) if isinstance(v, torch.Tensor) else None for v in values}
    if len(shapes) != 1 or None in shapes:
        raise CannotRewrite(
            "a list of other things than tensors of one shape is indexed by a tensor"
        )
    return item_of(torch.stack(tuple(values)), index)
