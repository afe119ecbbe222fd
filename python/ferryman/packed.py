"""Packed sequences while a model is captured: padded ones with a mask, and the same numbers.

    with PackedSequences():  # inside of the tracer
        outputs = model(x, lengths)

torch packs the steps of all sequences into rows, whose number depends on the lengths; a graph has
tensors of known sizes. So the sequences stay padded, `pack_padded_sequence` only remembers their
lengths, and recurrent layers hold their state where a sequence has ended (masked_recurrent.py). Who
looks at the rows themselves gets them. Only what torch.nn.utils.rnn and torch.nn's layers call is
answered in another way; `pad_packed_sequence` without `total_length` asks for the longest length.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from .masked_recurrent import Layers, run_masked

_FILES = (nn.utils.rnn.__file__, nn.modules.rnn.__file__)
_KINDS = {
    torch.lstm: "lstm",
    torch.gru: "gru",
    torch.rnn_tanh: "rnn_tanh",
    torch.rnn_relu: "rnn_relu",
}


class DataDependentLength(RuntimeError):
    """The longest of lengths that are inputs is a size of the result."""


@dataclasses.dataclass
class _Lengths:
    """tensor: as the caller gave them; known: the same as numbers, unless an input decides.
    is_sorted: whether they come from the longest to the shortest."""

    tensor: torch.Tensor
    known: list[int] | None
    is_sorted: bool = True

    def order(self) -> torch.Tensor:
        """The samples as torch orders them: from the longest to the shortest."""
        if self.known is not None:
            return torch.tensor(_longest_first(self.known))
        return torch.sort(self.tensor, descending=True, stable=True)[1]


def _longest_first(lengths: list[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda place: -lengths[place])


class _Unknown(int):
    """A longest length that nobody knows; less than any number of rows that one asks for."""

    def __gt__(self, other: Any) -> bool:  # of a free size, which does not compare itself
        return False


@dataclasses.dataclass
class _Packed:
    """A batch of sequences: their padded number of steps and their lengths."""

    steps: int
    samples: int
    lengths: _Lengths

    def mask(self) -> torch.Tensor:
        """[steps, samples]: where a sequence goes on."""
        return torch.arange(self.steps).unsqueeze(1) < self.lengths.tensor.unsqueeze(0)

    def is_full(self) -> bool:
        known = self.lengths.known
        return known is not None and min(known) == self.steps

    def rows(self, padded: torch.Tensor) -> torch.Tensor:
        """The rows as torch packs them, from [steps, samples, ...]."""
        if self.lengths.known is not None:
            return padded.flatten(0, 1).index_select(0, torch.tensor(self._places()))
        mask = self.mask()
        if not self.lengths.is_sorted:
            order = self.lengths.order()
            padded, mask = padded.index_select(1, order), mask.index_select(1, order)
        return padded[mask]

    def padded(self, rows: torch.Tensor) -> torch.Tensor:
        """Back again; what stands outside of the sequences is of no meaning."""
        if self.lengths.known is not None:
            row_of = {place: row for row, place in enumerate(self._places())}
            chosen = torch.tensor([row_of.get(n, 0) for n in range(self.steps * self.samples)])
            return rows.index_select(0, chosen).unflatten(0, (self.steps, self.samples))
        mask = self.mask()
        order = None if self.lengths.is_sorted else self.lengths.order()
        if order is not None:
            mask = mask.index_select(1, order)
        padded = rows.new_zeros(self.steps, self.samples, *rows.shape[1:])
        padded = padded.index_put((mask,), rows)
        return padded if order is None else padded.index_select(1, order.argsort())

    def batch_sizes(self) -> torch.Tensor:
        known = self.lengths.known
        if known is not None:
            return torch.tensor([sum(n > t for n in known) for t in range(max(known))])
        sizes = self.mask().sum(1)
        return sizes[sizes > 0]

    def _places(self) -> list[int]:
        known = self.lengths.known
        order = range(self.samples) if self.lengths.is_sorted else _longest_first(known)
        return [
            step * self.samples + sample
            for step in range(max(known))
            for sample in order
            if step < known[sample]
        ]


class PackedSequences(TorchFunctionMode):
    """may_freeze: whether a tracer below gives away the longest length, and tells that it does."""

    def __init__(self, *, may_freeze: bool = False):
        super().__init__()
        self._may_freeze = may_freeze
        # What is known about tensors and lists, by identity; they are kept alive.
        self._notes: dict[int, tuple[Any, Any]] = {}
        self._handlers: dict[Any, Callable] = {
            torch.as_tensor: self._as_tensor,
            torch.empty_like: self._same_order,
            torch.sort: self._sort,
            torch.zeros: self._zeros,
            torch.Tensor.__getitem__: self._item,
            torch.Tensor.cpu: self._moved,
            torch.Tensor.index_select: self._index_select,
            torch.Tensor.scatter_: self._same_order,
            torch.Tensor.size: self._size,
            torch.Tensor.to: self._moved,
            torch._VF._pack_padded_sequence: self._pack,
            torch._VF._pad_packed_sequence: self._pad,
        } | {
            function: lambda *given, kind=kind: self._recurrent(kind, *given)
            for function, kind in _KINDS.items()
        }

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.Tensor.item:
            result = func(*args, **kwargs)
            return result if isinstance(result, (int, float)) else self._note(result, args[0])
        if sys._getframe(1).f_code.co_filename in _FILES:
            handler = self._handlers.get(func)
            answer = None if handler is None else handler(*args, **kwargs)
            if answer is not None:
                return answer
            if func.__name__ in ("__get__", "dim", "numel", "size"):
                return func(*args, **kwargs)
        args, kwargs = self.as_torch_has((args, kwargs))
        return func(*args, **kwargs)

    def as_torch_has(self, values: Any) -> Any:
        """With what torch would have in the place of tensors that only stand for something."""
        if not self._notes:
            return values
        return pytree.tree_map_only(torch.Tensor, self._real, values)

    def _real(self, tensor: torch.Tensor) -> torch.Tensor:
        note = self._known(tensor, _Stand)
        return tensor if note is None else note.real()

    def _note(self, value: Any, note: Any) -> Any:
        self._notes[id(value)] = (value, note)
        return value

    def _known(self, value: Any, kind: type) -> Any:
        note = self._notes.get(id(value), (None, None))[1]
        return note if isinstance(note, kind) else None

    # Lengths -----------------------------------------------------------------------------------

    def _as_tensor(self, data, **options):
        values = list(data)
        asked = [self._known(value, torch.Tensor) for value in values]
        if values and all(element is not None for element in asked):  # what `tolist` gave
            values = asked
        if all(isinstance(value, torch.Tensor) for value in values):
            return torch.stack([value.to(torch.int64) for value in values])
        if all(type(value) is int for value in values):
            tensor = torch.tensor(values)
            return self._note(tensor, _Lengths(tensor, values))
        return None

    def _moved(self, tensor, *args, **options):
        """To the type or device that it has: what is known of it goes on to hold."""
        return tensor if id(tensor) in self._notes else None

    def _sort(self, lengths, descending):
        noted = self._known(lengths, _Lengths)
        known = None if noted is None else noted.known
        given = _Lengths(lengths, known, is_sorted=False)
        # The samples stay where they are; only who looks at the order sees it.
        stand = torch.arange(lengths.shape[0])
        self._note(stand, _Order(given, given.order))
        return self._note(lengths.clone(), given), stand

    def _same_order(self, tensor, *rest, **options):
        """What inverts the order of samples that stayed where they are."""
        order = self._known(tensor, _Order)
        if order is None:
            return None
        if rest:
            return tensor
        lengths = order.lengths
        return self._note(tensor.clone(), _Order(lengths, lambda: lengths.order().argsort()))

    def _index_select(self, tensor, dim, index):
        return tensor if self._known(index, _Order) else None

    def _item(self, tensor, index):
        if isinstance(index, torch.Tensor):
            return tensor if self._known(index, _Order) else None
        stand = self._known(tensor, _Stand)
        return stand.packed.samples if stand is not None and index == 0 else None

    def _size(self, tensor, *axis):
        stand = self._known(tensor, _Stand)
        if stand is None or axis != (0,):
            return None
        known = stand.packed.lengths.known
        return _Unknown(0) if known is None else max(known)

    # Packing -----------------------------------------------------------------------------------

    def _pack(self, x, lengths, batch_first):
        if batch_first:
            x = x.transpose(0, 1)
        noted = self._known(lengths, _Lengths) or _Lengths(lengths, None)
        packed = _Packed(x.shape[0], x.shape[1], noted)
        self._require_fitting(packed)
        return self._as_rows(x, packed), self._sizes(packed)

    def _as_rows(self, padded: torch.Tensor, packed: _Packed) -> torch.Tensor:
        stand = padded.flatten(0, 1)
        return self._note(stand, _Rows(packed, padded))

    def _sizes(self, packed: _Packed) -> torch.Tensor:
        stand = torch.zeros(packed.steps, dtype=torch.int64)
        return self._note(stand, _Stand(packed, packed.batch_sizes))

    def _require_fitting(self, packed: _Packed) -> None:
        known, tensor = packed.lengths.known, packed.lengths.tensor
        if known is not None:
            if min(known) < 1 or max(known) > packed.steps or len(known) != packed.samples:
                raise RuntimeError(f"lengths {known} of {packed.samples} x {packed.steps} steps")
            return
        fits = (tensor >= 1) & (tensor <= packed.steps)
        torch._assert_async(fits.all(), "a length is none of a sequence")
        if packed.lengths.is_sorted and packed.samples > 1:
            torch._assert_async((tensor[1:] <= tensor[:-1]).all(), "lengths are not sorted")

    def _pad(self, rows, sizes, batch_first, padding_value, total_length):
        stand = self._known(sizes, _Stand)
        if stand is None:
            return None
        packed = stand.packed
        padded = self._padded(rows, packed)
        if isinstance(total_length, _Unknown):
            total_length = self._longest(packed.lengths.tensor)
        elif packed.lengths.known is None:
            reached = packed.lengths.tensor <= total_length
            torch._assert_async(reached.all(), "a length is beyond total_length")
        if not packed.is_full():
            mask = packed.mask().reshape(packed.steps, packed.samples, *[1] * (padded.ndim - 2))
            padded = torch.where(mask, padded, padding_value)
        padded = padded[:total_length]
        if total_length > packed.steps:
            missing = total_length - packed.steps
            shape = (missing, *padded.shape[1:])
            padded = torch.cat([padded, padded.new_full(shape, padding_value)])
        return padded.transpose(0, 1) if batch_first else padded, packed.lengths.tensor

    def _longest(self, lengths: torch.Tensor) -> int:
        if not self._may_freeze:
            raise DataDependentLength("pad_packed_sequence gives as many steps as the longest has")
        longest = lengths.max().item()
        torch._assert_async(lengths.max() == longest, "another longest length than the example's")
        return longest

    def _padded(self, rows: torch.Tensor, packed: _Packed) -> torch.Tensor:
        noted = self._known(rows, _Rows)
        if noted is None:
            return packed.padded(rows)
        return packed.padded(noted.real()) if noted.is_written() else noted.padded

    # Layers ------------------------------------------------------------------------------------

    def _zeros(self, *shape, **options):
        return self._note(torch.zeros(*shape, **options), _Zeros())

    def _recurrent(self, kind, rows, sizes, hidden, *rest):
        stand = self._known(sizes, _Stand)
        if stand is None:
            return None
        packed = stand.packed
        states = hidden if kind == "lstm" else (hidden,)
        starts_at_zero = all(self._known(state, _Zeros) for state in states)
        layers = Layers(kind, *rest)
        mask = None if packed.is_full() else packed.mask()
        padded = self._padded(rows, packed)
        outputs, *finals = run_masked(
            layers, padded, mask, packed.lengths.tensor, states, starts_at_zero=starts_at_zero
        )
        return self._as_rows(outputs, packed), *finals


class _Stand:
    """A tensor in the place of one whose size depends on the lengths, or whose values do."""

    def __init__(self, packed: _Packed | None, make: Callable[[], torch.Tensor]):
        self.packed = packed
        self._make = make
        self._made: torch.Tensor | None = None

    def real(self) -> torch.Tensor:
        if self._made is None:
            self._made = self._make()
            self._version = self._made._version
        return self._made

    def is_written(self) -> bool:
        return self._made is not None and self._made._version != self._version


class _Rows(_Stand):
    def __init__(self, packed: _Packed, padded: torch.Tensor):
        super().__init__(packed, lambda: packed.rows(padded))
        self.padded = padded


class _Order(_Stand):
    """Of samples that stayed where they are, from the longest to the shortest for torch."""

    def __init__(self, lengths: _Lengths, make: Callable[[], torch.Tensor]):
        super().__init__(None, make)
        self.lengths = lengths


class _Zeros:
    """A state that a layer made itself, because the caller gave none."""
