"""The differences between a file and PyTorch on one set of inputs, and what is in doubt about them.

    sample = Sample(native, program, options, leaves)
    computed = sample.walk(plain)                 # runs the program, and compares node by node
    sample.compare_outputs(run, expected, plainly, captured)
    sample.settle()                               # what float64 says about the doubts
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

from . import eager
from .compare import Difference, compare, restore_infinities
from .decisions import Decisions, Imposed
from .exact import Doubt, Judge, may_be_rounding
from .nan_flow import NanFlow
from .native_contract import NativeReport, Placement
from .runtime import Kernels, Runner, from_stored, part_of
from .sight import Sight, placements_of, watched

# Operands that the walk itself compares may differ by anything but an infinity.
_COMPARED = float(np.finfo(np.float32).max)
# The delegate rounds otherwise than the built-in kernels do, but hardly by more than this.
_SLACK = 4.0


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the file; `arrays` are in the order of the report's outputs."""

    path: os.PathLike | str
    kernels: Kernels
    inputs: list[np.ndarray]
    arrays: Sequence[np.ndarray]


@dataclasses.dataclass(frozen=True)
class _Steered:
    """The program's outputs where it decides as a run of the file does."""

    outputs: list[Any]
    decisions: Decisions


class Sample:
    def __init__(self, native: NativeReport, program: ExportedProgram, options, leaves: list[Any]):
        self.native, self._program = native, program
        self._options, self._leaves = options, leaves
        self._placements = placements_of(native, program)
        self._node_doubts: dict[str, Doubt] = {}
        # By kernels and the port's position; with the run of the program that is compared.
        self._output_doubts: dict[tuple[Kernels, int], tuple[Doubt, _Steered]] = {}
        self._walked: _Steered | None = None
        self.nodes: dict[str, Difference] = {}
        self.outputs: dict[tuple[Kernels, int], Difference] = {}
        self.decided: dict[str, None] = {}  # nodes at which the file decides otherwise, in order
        self.open: list[str] = []  # where it cannot be seen how it decides
        self.cut: list[str] = []  # nodes of which infinities became the largest number
        # Differences that come of NaN are none of the file's, unless it was made to have none.
        self._nans = NanFlow(program, leaves) if native.nan != "exact" else None
        self._output_names = program.graph_signature.user_outputs
        self.nan_outputs: list[str] = []

    # Nodes ----------------------------------------------------------------------------------------

    def walk(self, plain: Runner) -> list[Any]:
        """Runs the program eagerly and compares each value as it arises: one is held at a time, and
        an in-place write that follows does not change what was compared."""
        every_node = self._options.every_node
        readable = {detail["index"] for detail in plain.outputs}
        slack = dict.fromkeys(self._placements, _COMPARED) if every_node else {}
        self._walked = self._steer(
            lambda tensor: plain.tensor(tensor) if every_node or tensor in readable else None,
            slack,
            self._visit(plain if every_node else None),
        )
        return self._walked.outputs

    def _steer(
        self, read: Callable[[int], np.ndarray | None], slack: dict[str, float], visit=None
    ) -> _Steered:
        decisions = Decisions(
            self._program,
            Sight(self._placements, read),
            rtol=self._options.rtol,
            atol=self._options.atol,
            slack=slack,
        )
        outputs = eager.run_program(self._program, self._leaves, visit, decisions)
        self.decided |= dict.fromkeys(decisions.followed)
        return _Steered(outputs, decisions)

    def _visit(self, plain: Runner | None) -> eager.Visit:
        placements = {trace.node: trace.placements for trace in self.native.nodes}

        def visit(name: str, value: Any) -> None:
            if self._nans is not None:
                self._nans.see(name, value)
            if plain is None or not isinstance(value, torch.Tensor):
                return
            for placement in placements.get(name, ()):
                stored = plain.tensor(placement.tensor)
                if stored is not None:
                    self._compare_node(name, value, stored, placement)

        return visit

    def _compare_node(self, name: str, value: Any, stored: np.ndarray, placement: Placement):
        def mend(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
            mended = restore_infinities(expected, got)
            if mended is not got and not np.array_equal(mended, got, equal_nan=True):
                self.cut.append(name)
            return mended

        doubt = self._compare(value, value, stored, placement, mend)
        if not doubt.difference.ok and self._comes_of_nan(name):
            return
        worst = keep_worst(self.nodes, name, doubt.difference)
        if worst and may_be_rounding(doubt.difference, doubt.expected):
            copy = doubt.expected.copy()
            self._node_doubts[name] = dataclasses.replace(doubt, expected=copy, computed=copy)

    def _comes_of_nan(self, name: Any) -> bool:
        return self._nans is not None and self._nans.reaches(name)

    # Outputs --------------------------------------------------------------------------------------

    def compare_outputs(
        self, run: Run, expected: list[Any], plainly: list[Any], captured: Sequence[Difference]
    ) -> None:
        """expected: of the module; plainly: of the program; captured: how far these are apart, by
        position. Where a decision is open, the program that decides as the file does is right, too.
        """
        for steered in self._ways(run, plainly):
            doubts = []
            for position, port in enumerate(self.native.outputs):
                is_free = steered.outputs is not plainly and captured[position].ok
                values = steered.outputs if is_free else expected
                doubt = self._compare(
                    values[port.index],
                    steered.outputs[port.index] if is_free else plainly[port.index],
                    run.arrays[position],
                    port.placement,
                )
                doubts.append(doubt)
            if all(doubt.difference.ok for doubt in doubts):
                break
        else:
            self.open = steered.decisions.open
        for position, doubt in enumerate(doubts):
            self.outputs[run.kernels, position] = doubt.difference
            port = self.native.outputs[position]
            if not doubt.difference.ok and self._comes_of_nan(self._output_names[port.index]):
                self.nan_outputs.append(port.name)
            if may_be_rounding(doubt.difference, doubt.expected):
                self._output_doubts[run.kernels, position] = doubt, steered

    def _ways(self, run: Run, plainly: list[Any]):
        """The program as it is; as the plain kernels decide; as this very run does."""
        walked = self._walked
        yield _Steered(plainly, walked.decisions)
        if walked.decisions.followed:
            yield walked
        is_seen = run.kernels is Kernels.PLAIN and self._options.every_node
        asked = walked.decisions.asked & self._placements.keys()
        if is_seen or not asked:
            return
        tensors = [self._placements[name].tensor for name in asked]
        slack = {name: _SLACK * found.worst for name, found in self.nodes.items()}
        yield self._steer(watched(run.path, run.kernels, tensors, run.inputs), slack)

    # Doubts ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        options = self._options
        if options.rounding_factor <= 0 or not (self._node_doubts or self._output_doubts):
            return
        decisions = {id(by.decisions): by.decisions for _, by in self._output_doubts.values()}
        decisions[id(self._walked.decisions)] = self._walked.decisions
        for taken in decisions.values():
            nodes = self._node_doubts if taken is self._walked.decisions else {}
            outputs = [
                (self.native.outputs[position].index, doubt)
                for (_, position), (doubt, by) in self._output_doubts.items()
                if by.decisions is taken
            ]
            if nodes or outputs:
                judge = Judge(
                    self._program, self._leaves, options.rtol, options.atol,
                    options.rounding_factor, Imposed(taken),
                )  # fmt: skip
                judge.settle(nodes, outputs)
        self.nodes |= {name: d.difference for name, d in self._node_doubts.items()}
        self.outputs |= {key: d.difference for key, (d, _) in self._output_doubts.items()}

    def _compare(
        self, value: Any, computed: Any, array: np.ndarray, placement: Placement, mend=None
    ) -> Doubt:
        """mend(expected, got): `got` without what is no mistake."""
        expected = part_of(eager.to_numpy(value), placement.part)
        if array.size != expected.size:
            got = array  # compare() tells the shapes
        else:
            got = from_stored(array, placement, expected.shape)
        if mend is not None:
            got = mend(expected, got)
        difference = compare(expected, got, rtol=self._options.rtol, atol=self._options.atol)
        computed = part_of(eager.to_numpy(computed), placement.part)
        return Doubt(difference, expected, computed, got, placement.part)


def keep_worst(seen: dict[str, Difference], name: str, difference: Difference) -> bool:
    known = seen.get(name)
    is_worst = known is None or difference.used > known.used
    if is_worst:
        seen[name] = difference
    return is_worst
