"""What a loop carries from round to round, as tensors: the variables that it changes.

carried = Carried(state, before)
while carried.widen(after_a_round, written): …     # until a round shows no more
carried.tensors()                                  # before the first round
carried.after(results)                             # the variables after the last
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .bodies import is_container
from .branches import put_into
from .graphs import Slot
from .opened import DTYPES, as_tensor, holds, number_type, promoted
from .state import UNBOUND, State

Key = tuple[int, int]  # the variable, and which of its leaves


@dataclasses.dataclass
class _Slot:
    initial: torch.Tensor
    original: Any  # what the variable had: a tensor, a number, or nothing
    is_written: bool = False


class Carried:
    """values: of all variables before the first round, with the tensors that are carried."""

    def __init__(self, state: State, before: list[Any]):
        self._state = state
        self._before = before
        self.values = list(before)
        self._slots: dict[Key, _Slot] = {}

    # Which -----------------------------------------------------------------------------------

    def widen(self, after: list[Any], written: list[torch.Tensor]) -> bool:
        """Whether a round showed more to carry."""
        of_memory = {id(tensor) for tensor in written}
        is_wider = False
        for position, name in enumerate(self._state.names):
            old, new = self.values[position], after[position]
            leaves = pytree.tree_leaves(old)
            is_written = any(id(leaf) in of_memory for leaf in leaves)
            if name in self._state.outputs or is_container(old) or is_written:
                is_wider |= self._widen(position, old, new, of_memory)
        return is_wider

    def _widen(self, position: int, old: Any, new: Any, written: set[int]) -> bool:
        if new is UNBOUND:
            if old is UNBOUND:
                return False
            raise self._refuse(position, "is deleted in its body")
        news, spec = pytree.tree_flatten(new)
        if old is UNBOUND:
            olds: list[Any] = [UNBOUND] * len(news)
        else:
            olds, old_spec = pytree.tree_flatten(old)
            if spec != old_spec:
                raise self._refuse(position, "has other parts after a round")
        leaves = [
            self._leaf((position, number), *pair, written)
            for number, pair in enumerate(zip(olds, news))
        ]
        self.values[position] = pytree.tree_unflatten(leaves, spec)
        return any(leaf is not old for leaf, old in zip(leaves, olds))

    def _leaf(self, key: Key, old: Any, new: Any, written: set[int]) -> Any:
        """What the first round begins with."""
        slot = self._slots.get(key)
        is_written = isinstance(old, torch.Tensor) and id(old) in written
        if is_written and new is not old and slot is None:
            raise self._refuse(key[0], "is written in place, and bound anew")
        if slot is not None:
            slot.is_written |= is_written
            return self._settled(key, slot, new)
        if new is old and not is_written:
            return old
        if isinstance(old, torch.Tensor):
            self._require_alike(key[0], old, new)
            initial = old.clone(memory_format=torch.contiguous_format)
            self._slots[key] = _Slot(initial, old, is_written)
            return initial
        return self._of_number(key, old, new)

    def _of_number(self, key: Key, old: Any, new: Any) -> Any:
        kinds = [number_type(value) for value in (old, new)]
        if not isinstance(new, torch.Tensor):
            if kinds[1] is None:
                return self._kept(key[0], old, new)
            if kinds[0] is kinds[1] and not _is_symbol(old) and not _is_symbol(new) and old == new:
                return old
        if kinds[0] is None and old is not UNBOUND:
            raise self._refuse(
                key[0], f"is {_kind(old)} before the first round and {_kind(new)} after"
            )
        dtype = new.dtype if isinstance(new, torch.Tensor) else DTYPES[kinds[1]]
        if old is not UNBOUND:
            dtype = promoted(dtype, kinds[0])
        self._slots[key] = slot = _Slot(_initial(old, dtype, _shape(new)), old)
        return slot.initial

    def _kept(self, position: int, old: Any, new: Any) -> Any:
        if old is UNBOUND:
            return new
        if type(old) is type(new) and bool(old == new):
            return old
        raise self._refuse(position, f"is {_kind(old)} before a round and {_kind(new)} after")

    def _settled(self, key: Key, slot: _Slot, new: Any) -> torch.Tensor:
        """Its own type and shape again; or else, if it was a number, those that a round gives."""
        was_tensor = isinstance(slot.original, torch.Tensor)
        if was_tensor or not isinstance(new, torch.Tensor):
            self._require_alike(key[0], slot.initial, new)
            return slot.initial
        dtype = new.dtype
        if slot.original is not UNBOUND:
            dtype = promoted(dtype, number_type(slot.original))
        if dtype is slot.initial.dtype and new.shape == slot.initial.shape:
            return slot.initial
        if slot.initial.dim() and new.shape != slot.initial.shape:
            self._require_alike(key[0], slot.initial, new)
        slot.initial = _initial(slot.original, dtype, new.shape)
        return slot.initial

    def _require_alike(self, position: int, old: torch.Tensor, new: Any) -> None:
        if not isinstance(new, torch.Tensor):
            kind = number_type(new)
            if old.dim() or not holds(old.dtype, kind):
                raise self._refuse(
                    position, f"is {_kind(old)} before a round and {_kind(new)} after"
                )
            return
        if old.shape != new.shape:
            raise self._refuse(
                position,
                f"has the shape {list(old.shape)} before a round and {list(new.shape)} after",
            )
        if old.dtype != new.dtype:
            raise self._refuse(
                position, f"has the type {old.dtype} before a round and {new.dtype} after"
            )

    def _refuse(self, position: int, why: str) -> Exception:
        return self._state.refuse(f"{self._state.names[position]!r} {why}")

    # Use -------------------------------------------------------------------------------------

    def tensors(self) -> tuple[torch.Tensor, ...]:
        return tuple(slot.initial for slot in self._ordered())

    def with_tensors(self, tensors: Sequence[torch.Tensor]) -> list[Any]:
        """All variables, with these for those that are carried."""
        places = {key: tensor for key, tensor in zip(sorted(self._slots), tensors)}
        return [self._with(position, value, places) for position, value in enumerate(self.values)]

    def _with(self, position: int, value: Any, places: dict[Key, torch.Tensor]) -> Any:
        if not any(key[0] == position for key in places):
            return value
        leaves, spec = pytree.tree_flatten(value)
        leaves = [places.get((position, number), leaf) for number, leaf in enumerate(leaves)]
        return pytree.tree_unflatten(leaves, spec)

    def slots(self) -> list[Slot]:
        return [Slot(s.initial.dtype, tuple(s.initial.shape)) for s in self._ordered()]

    def results_of(self, values: list[Any]) -> list[Any]:
        """After a round: tensors and numbers."""
        return [pytree.tree_leaves(values[key[0]])[key[1]] for key in sorted(self._slots)]

    def after(self, results: Sequence[torch.Tensor]) -> list[Any]:
        tensors = list(results)
        for position, slot in enumerate(self._ordered()):
            if slot.is_written and isinstance(slot.original, torch.Tensor):
                slot.original.copy_(tensors[position])
                tensors[position] = slot.original
        values = self.with_tensors(tensors)
        for position, old in enumerate(self._before):
            if is_container(old) and self._state.names[position] not in self._state.outputs:
                values[position] = put_into(old, values[position])
        return values

    def _ordered(self) -> list[_Slot]:
        return [self._slots[key] for key in sorted(self._slots)]


def _initial(number: Any, dtype: torch.dtype, shape: Sequence[int]) -> torch.Tensor:
    value = 0 if number is UNBOUND else number
    if not _is_symbol(value):
        return torch.full(tuple(shape), value, dtype=dtype)
    return as_tensor(value, dtype).expand(tuple(shape)).clone(memory_format=torch.contiguous_format)


def _shape(value: Any) -> Sequence[int]:
    return value.shape if isinstance(value, torch.Tensor) else ()


def _is_symbol(value: Any) -> bool:
    return isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool))


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor {list(value.shape)}"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    return f"of type {type(value).__name__}"
