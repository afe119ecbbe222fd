"""One value that stands for two: what branches leave, or what a loop carries from round to round.

    slots = Slots(refuse)
    template = slots.merge("y", of_one, of_other)
    slots.fill(template, of_one)          # what this way has for the tensors that come out
    slots.rebuild(template, tensors)      # the value, of the tensors that came out

Python values that are the same both times stay Python's; a number that is not becomes a tensor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .graphs import Slot
from .opened import DTYPES, holds, number_type
from .record import is_tentative
from .state import UNBOUND


@dataclasses.dataclass(frozen=True)
class Place:
    """Which of the tensors that come out."""

    position: int


@dataclasses.dataclass(frozen=True)
class Kept:
    value: Any


@dataclasses.dataclass(frozen=True)
class Parts:
    """A list, dict, tuple or the like of templates."""

    spec: Any
    leaves: tuple[Place | Kept, ...]


Template = Place | Kept | Parts


class Slots:
    def __init__(self, refuse: Callable[[str], Exception]):
        self._refuse = refuse
        self.slots: list[Slot] = []

    # Merging ---------------------------------------------------------------------------------

    def merge(self, name: str, one: Any, other: Any) -> Template:
        if one is other:
            return Kept(one)
        present = other if one is UNBOUND else one
        leaves, spec = pytree.tree_flatten(present)
        if pytree.treespec_leaf() == spec:
            return self._merge_leaf(name, one, other)
        if one is UNBOUND or other is UNBOUND:
            pairs = [(UNBOUND, leaf) for leaf in leaves]
        else:
            others, other_spec = pytree.tree_flatten(other)
            if spec != other_spec:
                raise self._refuse(
                    f"{name} is {_kind(one)} on one way and {_kind(other)} on the other"
                )
            pairs = list(zip(leaves, others))
        return Parts(spec, tuple(self._merge_leaf(name, *pair) for pair in pairs))

    def _merge_leaf(self, name: str, one: Any, other: Any) -> Place | Kept:
        if one is other:
            return Kept(one)
        tensors = [value for value in (one, other) if isinstance(value, torch.Tensor)]
        if not tensors:
            return self._merge_values(name, one, other)
        if len(tensors) == 2:
            return self._merge_tensors(name, *tensors)
        value = other if tensors[0] is one else one
        if value is not UNBOUND:
            self._require_number_like(name, tensors[0], value)
        return self._slot(tensors[0].dtype, tensors[0].shape, None)

    def _merge_tensors(self, name: str, one: torch.Tensor, other: torch.Tensor) -> Place:
        for what, mine, theirs in (
            ("the shape", list(one.shape), list(other.shape)),
            ("the type", one.dtype, other.dtype),
        ):
            if mine != theirs:
                raise self._refuse(f"{name} has {what} {mine} on one way and {theirs} on the other")
        stride = one.stride() if one.stride() == other.stride() and _is_dense(one) else None
        return self._slot(one.dtype, one.shape, stride)

    def _require_number_like(self, name: str, tensor: torch.Tensor, value: Any) -> None:
        kind = number_type(value)
        fits = holds(tensor.dtype, kind)
        # A sum that begins with 0: after the first round it is a tensor in every branch.
        fits = fits and (not tensor.dim() or is_tentative())
        if not fits:
            raise self._refuse(
                f"{name} is {_kind(tensor)} on one way and {_kind(value)} on the other"
            )

    def _merge_values(self, name: str, one: Any, other: Any) -> Place | Kept:
        if one is UNBOUND or other is UNBOUND:
            return Kept(other if one is UNBOUND else one)
        kinds = [number_type(value) for value in (one, other)]
        if None in kinds:
            if type(one) is type(other) and _is_equal(one, other):
                return Kept(one)
            raise self._refuse(f"{name} is {_kind(one)} on one way and {_kind(other)} on the other")
        if kinds[0] is kinds[1] and _is_equal(one, other):
            return Kept(one)
        if kinds[0] is not kinds[1] and bool in kinds:
            raise self._refuse(f"{name} is {_kind(one)} on one way and {_kind(other)} on the other")
        return self._slot(DTYPES[float if float in kinds else kinds[0]], (), None)

    def _slot(self, dtype: torch.dtype, shape: Sequence[int], stride) -> Place:
        self.slots.append(Slot(dtype, tuple(shape), stride))
        return Place(len(self.slots) - 1)

    # Use -------------------------------------------------------------------------------------

    def fill(self, template: Template, value: Any) -> dict[int, Any]:
        """What one way has for the tensors, by position: tensors, numbers, UNBOUND."""
        if isinstance(template, Kept):
            return {}
        if isinstance(template, Place):
            return {template.position: value}
        count = len(template.leaves)
        values = [UNBOUND] * count if value is UNBOUND else pytree.tree_leaves(value)
        found = {}
        for leaf, item in zip(template.leaves, values, strict=True):
            found |= self.fill(leaf, item)
        return found

    def rebuild(self, template: Template, tensors: Sequence[Any]) -> Any:
        if isinstance(template, Kept):
            return template.value
        if isinstance(template, Place):
            return tensors[template.position]
        leaves = [self.rebuild(leaf, tensors) for leaf in template.leaves]
        return pytree.tree_unflatten(leaves, template.spec)


def _is_dense(tensor: torch.Tensor) -> bool:
    return torch.ops.aten.is_non_overlapping_and_dense.default(tensor)


def _is_equal(one: Any, other: Any) -> bool:
    symbols = (torch.SymInt, torch.SymFloat, torch.SymBool)
    if isinstance(one, symbols) or isinstance(other, symbols):
        return False
    try:
        return bool(one == other)
    except Exception:  # whatever a class of the user's says to the question
        return False


def _kind(value: Any) -> str:
    if value is UNBOUND:
        return "unbound"
    if isinstance(value, torch.Tensor):
        return f"a tensor {list(value.shape)}"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"of type {type(value).__name__}"
