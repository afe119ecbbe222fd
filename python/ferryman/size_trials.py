"""Runs a module and its program on other sizes than they were captured with, to see if they agree.

trials = Trials(program, module, resized)
trials.agree({"batch": 1})          # False where the module refuses the size, or they differ
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from . import eager
from .program_sizes import as_integers, names_of_symbols
from .quiet import quiet
from .values import copied, same

_SECONDS = 20.0  # for all of them


class Verdict(enum.Enum):
    SAME = "the program computes what the module does"
    OTHER = "it computes something else, or the module refuses the size"
    OF_VALUES = "the module refuses it, and perhaps for the values: lengths beyond the size"


class Trials:
    """resized: the example with other sizes, as args and kwargs."""

    def __init__(
        self,
        program: ExportedProgram,
        module: nn.Module,
        resized: Callable[[Mapping[str, int]], tuple[tuple, dict[str, Any]]],
    ):
        self._program, self._module, self._resized = program, module, resized
        self._left = _SECONDS
        self._seen: dict[tuple, Verdict] = {}

    @property
    def is_out_of_time(self) -> bool:
        return self._left <= 0

    def agree(self, numbers: Mapping[str, int]) -> bool:
        return self.run(numbers) is Verdict.SAME

    def run(self, numbers: Mapping[str, int]) -> Verdict:
        """Where there is no time left, what torch noted holds."""
        key = tuple(sorted(numbers.items()))
        if key not in self._seen:
            self._seen[key] = Verdict.OTHER if self.is_out_of_time else self._try(numbers)
        return self._seen[key]

    def _try(self, numbers: Mapping[str, int]) -> Verdict:
        start = time.monotonic()
        try:
            with quiet():
                args, kwargs = self._resized(numbers)
                expected = _results(lambda: eager.run_reference(self._module, args, kwargs))
                if expected is None:
                    leaves = pytree.tree_leaves((args, kwargs))
                    return Verdict.OF_VALUES if _has_values(leaves) else Verdict.OTHER
                leaves, watch = pytree.tree_leaves((args, kwargs)), _Shapes(self._program, numbers)
                computed = _results(lambda: eager.run_program(self._program, leaves, watch.see))
        finally:
            self._left -= time.monotonic() - start
        is_same = computed is not None and same(copied(expected), copied(computed))
        is_same = is_same and watch.are_right and _alike(expected, computed)
        return Verdict.SAME if is_same else Verdict.OTHER


def _results(run: Callable[[], list[Any]]) -> list[Any] | None:
    try:
        return run()
    except Exception:  # whatever an operator raises over its operands
        return None


def _has_values(leaves: list[Any]) -> bool:
    """Whether there are whole numbers among the inputs: lengths, positions."""
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    return any(not (leaf.is_floating_point() or leaf.is_complex()) for leaf in tensors)


class _Shapes:
    """Whether values have the shapes that the program says: squeeze takes an axis of size 1 away,
    which is there for all other sizes."""

    def __init__(self, program: ExportedProgram, numbers: Mapping[str, int]):
        names = names_of_symbols(program)
        known = {symbol: numbers[name] for symbol, name in names.items() if name in numbers}
        self._numbers = as_integers(known)
        self._values = {node.name: node.meta.get("val") for node in program.graph.nodes}
        self.are_right = True

    def see(self, name: str, value: Any) -> None:
        pairs = zip(pytree.tree_leaves(self._values.get(name)), pytree.tree_leaves(value))
        for said, found in pairs:
            if isinstance(said, torch.Tensor) and isinstance(found, torch.Tensor):
                self.are_right &= self._is_right(tuple(said.shape), tuple(found.shape))

    def _is_right(self, said: tuple, found: tuple[int, ...]) -> bool:
        if len(said) != len(found):
            return False
        return all(map(self._agrees, said, found))

    def _agrees(self, size: Any, found: int) -> bool:
        if type(size) is int:
            return size == found
        number = size.node.expr.xreplace(self._numbers)
        return not number.is_number or int(number) == found  # open: known at run time only


def _alike(expected: list[Any], computed: list[Any]) -> bool:
    """In their shapes, which same() takes for granted of what it cannot look into."""

    def shapes(values: list[Any]) -> list[Any]:
        return [tuple(v.shape) if isinstance(v, torch.Tensor) else None for v in values]

    return shapes(expected) == shapes(computed)
