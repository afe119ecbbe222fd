"""Compares the values of one graph with those that a run of its file has, node by node.

checks = NodeChecks(native.nodes, plain.tensor, options, nans)
eager.run_program(program, leaves, checks.visit)
checks.worst["conv2d"].worst
checks.doubts                    # beyond the tolerance, perhaps by rounding alone (exact.py)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from . import eager
from .compare import Difference, compare, restore_infinities
from .exact import Doubt, may_be_rounding
from .nan_flow import NanFlow
from .native_contract import NodeTrace, Placement
from .runtime import from_stored, part_of


class NodeChecks:
    """One run of a graph, compared as it goes: one value is held at a time, and an in-place write
    that follows does not change what was compared."""

    def __init__(
        self,
        nodes: Iterable[NodeTrace],
        read: Callable[[int], np.ndarray | None] | None,
        options,
        nans: NanFlow | None,
    ):
        """read: a tensor of the file; None compares nothing."""
        self._placements = {trace.node: trace.placements for trace in nodes}
        self._read, self._options, self._nans = read, options, nans
        self.worst: dict[str, Difference] = {}
        self.doubts: dict[str, Doubt] = {}
        self.cut: list[str] = []  # nodes of which infinities became the largest number

    def visit(self, name: str, value: Any) -> None:
        if self._nans is not None:
            self._nans.see(name, value)
        if self._read is None or not isinstance(value, torch.Tensor):
            return
        for placement in self._placements.get(name, ()):
            stored = self._read(placement.tensor)
            if stored is not None:
                self._compare(name, value, stored, placement)

    def _compare(self, name: str, value: Any, stored: np.ndarray, placement: Placement) -> None:
        def mend(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
            mended = restore_infinities(expected, got)
            if mended is not got and not np.array_equal(mended, got, equal_nan=True):
                self.cut.append(name)
            return mended

        doubt = compare_value(self._options, value, value, stored, placement, mend)
        if not doubt.difference.ok and self._nans is not None and self._nans.reaches(name):
            return
        worst = keep_worst(self.worst, name, doubt.difference)
        if worst and may_be_rounding(doubt.difference, doubt.expected):
            copy = doubt.expected.copy()
            self.doubts[name] = dataclasses.replace(doubt, expected=copy, computed=copy)


def compare_value(
    options, value: Any, computed: Any, array: np.ndarray, placement: Placement, mend=None
) -> Doubt:
    """mend(expected, got): `got` without what is no mistake."""
    expected = part_of(eager.to_numpy(value), placement.part)
    if array.size != expected.size:
        got = array  # compare() tells the shapes
    else:
        got = from_stored(array, placement, expected.shape)
    if mend is not None:
        got = mend(expected, got)
    difference = compare(expected, got, rtol=options.rtol, atol=options.atol)
    computed = part_of(eager.to_numpy(computed), placement.part)
    return Doubt(difference, expected, computed, got, placement.part)


def keep_worst(seen: dict[str, Difference], name: str, difference: Difference) -> bool:
    known = seen.get(name)
    is_worst = known is None or difference.used > known.used
    if is_worst:
        seen[name] = difference
    return is_worst
