"""Leaves a module as it was, whatever its forward did and however that ended.

    with left_unchanged(module):
        module(x)

    state = State(module)
    module(x)
    state.changes()                # {Slot("encoder.state"): its value now}
    state.restore()

Attributes at any depth, containers, objects, class attributes, globals, closures, tensors outside
of the parameters, train flags and generators of random numbers are put back. Parameters are not
copied: who runs a module that may write to them says so beforehand (`before_write`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from .outside import equal_states, random_states, set_random_states
from .reach import Array, Chance, Elements, Holder, Iteration, Registered, Remembered, reach

# Larger ones are only copied when something is about to write to them.
_COPIED_BYTES = 1 << 24
_SCALARS = (bool, int, float, complex, str, bytes, type(None))


@dataclasses.dataclass(frozen=True)
class Slot:
    """A place for a value. `origin`: the object and its attribute where a user would look."""

    holder: Holder | TensorContent
    key: Any
    name: str

    @property
    def origin(self) -> tuple[Any, str] | None:
        origin = self.holder.origin
        if origin is not None and not origin[1]:
            return origin[0], str(self.key)
        return origin


class TensorContent:
    """The numbers of a tensor that Python holds, and which memory they are in."""

    def __init__(self, path: str, tensor: torch.Tensor, origin: tuple[Any, str] | None):
        self.path, self.origin, self.owner = path, origin, tensor
        self.is_registered = False
        self._memory = tensor.detach()
        self._version = _version(tensor)
        self._flags = (tensor.requires_grad, tensor.grad if tensor.is_leaf else None)
        self._copy: torch.Tensor | None = None
        if not isinstance(tensor, nn.Parameter) and self._memory.nbytes <= _COPIED_BYTES:
            self.save()

    @property
    def storage(self) -> int:
        return self._memory.untyped_storage()._cdata

    def save(self) -> None:
        """Before the first write."""
        if self._copy is None:
            self._copy = self._memory.clone()

    def is_changed(self) -> bool:
        if not _same_memory(self.owner, self._memory):
            return True
        if self._copy is not None:
            return not _equal(self._memory, self._copy)
        return _version(self.owner) != self._version

    def restore(self) -> None:
        with torch.no_grad():
            if not _same_memory(self.owner, self._memory):
                self.owner.data = self._memory
            if self._copy is not None and not _equal(self._memory, self._copy):
                self._memory.data.copy_(self._copy)  # behind autograd's back: as if never written
        needs_grad, grad = self._flags
        if self.owner.is_leaf and self.owner.requires_grad != needs_grad:
            self.owner.requires_grad_(needs_grad)
        if self.owner.is_leaf and self.owner.grad is not grad:
            self.owner.grad = grad


class State:
    def __init__(self, root: Any):
        reached = reach(root)
        self.names = reached.names
        self._saved = [(holder, holder.read()) for holder in reached.holders]
        self._tensors = [
            TensorContent(*found) for found in reached.tensors if _is_plain(found[1])
        ]
        registered = {
            id(value)
            for holder, slots in self._saved
            if isinstance(holder, Registered)
            for value in slots.values()
            if isinstance(value, torch.Tensor)
        }
        for content in self._tensors:
            content.is_registered = id(content.owner) in registered
        self._by_storage: dict[int, list[TensorContent]] = {}
        for content in self._tensors:
            self._by_storage.setdefault(content.storage, []).append(content)

    def before_write(self, tensor: torch.Tensor) -> None:
        """Somebody is about to write to this tensor."""
        for content in self._by_storage.get(tensor.untyped_storage()._cdata, ()):
            content.save()

    def copy_weights(self) -> None:
        """Those that are not large: nobody can say beforehand what is written to."""
        for content in self._tensors:
            if content.owner.nbytes <= _COPIED_BYTES:
                content.save()

    def changes(self) -> dict[Slot, Any]:
        """The slots with another value than before, but for registered buffers and parameters."""
        found: dict[Slot, Any] = {}
        for holder, saved in self._saved:
            if isinstance(holder, (Chance, Remembered)):
                continue
            now = holder.read()
            for key in saved.keys() | now.keys():
                if _is_same(holder, saved, now, key) or _is_buffer(holder, saved, key):
                    continue
                found[Slot(holder, key, holder.name(key))] = now.get(key)
        for content in self._tensors:
            if not content.is_registered and content.is_changed():
                found[Slot(content, (), content.path)] = content.owner
        return found

    def restore(self, *, chance: bool = True) -> None:
        """chance: generators of random numbers, too."""
        for holder, saved in self._saved:
            if isinstance(holder, Chance) and not chance:
                continue
            now = holder.read()
            if saved.keys() != now.keys() or not all(
                _is_same(holder, saved, now, key) for key in saved
            ):
                holder.write(saved)
        for content in self._tensors:
            content.restore()

    def restore_registered(self) -> None:
        """Parameters, buffers, torch's own generators: what torch.export and the core know of."""
        for holder, saved in self._saved:
            if isinstance(holder, Registered):
                now = holder.read()
                kept = {key: value for key, value in saved.items() if value is not None}
                if any(now.get(key) is not value for key, value in kept.items()):
                    holder.write(now | kept)
            elif isinstance(holder, Chance) and isinstance(holder.owner, torch.Generator):
                holder.write(saved)
        for content in self._tensors:
            if content.is_registered:
                content.restore()

    def drawn(self) -> list[Holder]:
        """Generators in Python that the module holds and drew from."""
        return [
            holder
            for holder, saved in self._saved
            if isinstance(holder, Chance)
            and not isinstance(holder.owner, torch.Generator)
            and not equal_states(saved[()], holder.read()[()])
        ]


def _is_same(holder: Holder, saved: dict, now: dict, key: Any) -> bool:
    if key not in saved or key not in now:
        return False
    before, after = saved[key], now[key]
    if before is after:
        return True
    if isinstance(holder, Array):
        return before.shape == after.shape and before.tobytes() == after.tobytes()
    if isinstance(holder, (Chance, Elements, Iteration, Remembered)):
        return equal_states(before, after)
    return type(before) is type(after) and type(before) in _SCALARS and before == after


def _is_buffer(holder: Holder, saved: dict, key: Any) -> bool:
    return isinstance(holder, Registered) and saved.get(key) is not None


def _is_plain(tensor: torch.Tensor) -> bool:
    data = tensor.data if isinstance(tensor, nn.Parameter) else tensor
    return (
        type(data) in (torch.Tensor, nn.Buffer)
        and not isinstance(tensor, nn.parameter.UninitializedTensorMixin)
        and tensor.layout is torch.strided
        and not tensor.is_meta
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    )


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _same_memory(one: torch.Tensor, other: torch.Tensor) -> bool:
    return (
        one.untyped_storage()._cdata == other.untyped_storage()._cdata
        and one.storage_offset() == other.storage_offset()
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
    )


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.is_quantized:
        one, other = one.int_repr(), other.int_repr()
    if one.dtype.itemsize == 1:  # float8 knows no comparison
        one, other = one.view(torch.uint8), other.view(torch.uint8)
    if torch.equal(one, other):
        return True
    return bool(((one == other) | ((one != one) & (other != other))).all())


def name_of(module: nn.Module) -> str:
    """Of its class, or of the function that it stands for."""
    return getattr(module, "function_name", type(module).__name__)


# The whole ---------------------------------------------------------------------------------------


@contextmanager
def left_unchanged(module: nn.Module) -> Iterator[State]:
    """Restores the module's state and the generators of random numbers."""
    state = State(module)
    chance = random_states()
    try:
        yield state
    finally:
        state.restore()
        set_random_states(chance)
