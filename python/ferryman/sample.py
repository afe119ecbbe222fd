"""The differences between a file and PyTorch on one set of inputs, and what is in doubt about them.

    sample = Sample(native, program, options, leaves, BodyFiles(native))
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
from torch.export import ExportedProgram

from . import eager
from .bodies import kind_of
from .body_files import BodyFiles
from .body_sample import BodySample
from .compare import Difference
from .decisions import COMPARED, Decisions, Imposed
from .exact import Doubt, Judge, may_be_rounding
from .follow import Along, Scope
from .nan_flow import NanFlow
from .native_contract import NativeReport
from .node_checks import NodeChecks, compare_value
from .runtime import Kernels, Runner
from .sight import Sight, placements_of, watched
from .trail import Replay, Trail

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
    trail: Trail


class Sample:
    def __init__(
        self,
        native: NativeReport,
        program: ExportedProgram,
        options,
        leaves: list[Any],
        files: BodyFiles,
    ):
        self.native, self._program = native, program
        self._options, self._leaves = options, leaves
        self._placements = placements_of(native, program)
        # By kernels and the port's position; with the run of the program that is compared.
        self._output_doubts: dict[tuple[Kernels, int], tuple[Doubt, _Steered]] = {}
        self._walked: _Steered | None = None
        self.bodies = BodySample(files, options, native.nan)
        self.outputs: dict[tuple[Kernels, int], Difference] = {}
        self.decided: dict[str, None] = {}  # nodes at which the file decides otherwise, in order
        self.open: list[str] = []  # where it cannot be seen how it decides
        # Differences that come of NaN are none of the file's, unless it was made to have none.
        self._nans = NanFlow.of(program, leaves) if native.nan != "exact" else None
        self._checks = NodeChecks((), None, options, None)  # until the walk
        self._output_names = program.graph_signature.user_outputs
        self.nan_outputs: list[str] = []

    # Nodes ----------------------------------------------------------------------------------------

    @property
    def nodes(self) -> dict[str, Difference]:
        """Of the program's own nodes and of those inside of bodies, by path and name."""
        return self._checks.worst | self.bodies.nodes

    @property
    def cut(self) -> list[str]:
        """Nodes of which infinities became the largest number."""
        return self._checks.cut + self.bodies.cut

    def walk(self, plain: Runner) -> list[Any]:
        """Runs the program eagerly and compares each value as it arises."""
        every_node = self._options.every_node
        readable = {detail["index"] for detail in plain.outputs}

        def read(tensor: int) -> np.ndarray | None:
            return plain.tensor(tensor) if every_node or tensor in readable else None

        self._checks = NodeChecks(
            self.native.nodes, plain.tensor if every_node else None, self._options, self._nans
        )
        scope = self._scope(
            plain.kernels, read, dict.fromkeys(self._placements, COMPARED) if every_node else {}
        )
        lookout = self.bodies.lookout(scope)
        self._walked = self._steer(scope, self._checks.visit, lookout, self.bodies.trail)
        return self._walked.outputs

    def _scope(self, kernels: Kernels, read: Callable, slack: dict[str, float]) -> Scope:
        sight, options = Sight(self._placements, read), self._options
        decisions = Decisions(
            self._program.graph, sight, rtol=options.rtol, atol=options.atol, slack=slack
        )
        return Scope(sight, kernels, decisions)

    def _steer(self, scope: Scope, visit, lookout: eager.Lookout, trail: Trail) -> _Steered:
        """lookout: it fills the trail."""
        outputs = eager.run_program(self._program, self._leaves, visit, scope.decisions, lookout)
        self.decided |= dict.fromkeys(scope.decisions.followed) | self.bodies.decided
        return _Steered(outputs, scope.decisions, trail)

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
                doubt = compare_value(
                    self._options,
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
        yield _Steered(plainly, walked.decisions, walked.trail)
        if self.decided:
            yield walked
        is_seen = run.kernels.shows_values and self._options.every_node
        asked = (walked.decisions.asked | self._beside_bodies()) & self._placements.keys()
        if is_seen or not asked:
            return
        tensors = [self._placements[name].tensor for name in asked]
        slack = {name: _SLACK * found.worst for name, found in self.nodes.items()}
        read = watched(run.path, run.kernels, tensors, run.inputs)
        scope, trail = self._scope(run.kernels, read, slack), []
        yield self._steer(scope, None, Along(self.bodies, "", scope, trail), trail)

    def _beside_bodies(self) -> set[str]:
        """What goes into and out of branches and loops."""
        nodes = [node for node in self._program.graph.nodes if kind_of(node)]
        beside = [other for node in nodes for other in (*node.all_input_nodes, *node.users)]
        return {other.name for other in beside}

    # Doubts ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        options, node_doubts = self._options, self._checks.doubts
        if options.rounding_factor <= 0 or not (node_doubts or self._output_doubts):
            return
        ways = {id(by.decisions): by for _, by in self._output_doubts.values()}
        ways[id(self._walked.decisions)] = self._walked
        for way in ways.values():
            nodes = node_doubts if way.decisions is self._walked.decisions else {}
            outputs = [
                (self.native.outputs[position].index, doubt)
                for (_, position), (doubt, by) in self._output_doubts.items()
                if by.decisions is way.decisions
            ]
            if nodes or outputs:
                self._judge_of(way).settle(nodes, outputs)
        self._checks.worst |= {name: d.difference for name, d in node_doubts.items()}
        self.outputs |= {key: d.difference for key, (d, _) in self._output_doubts.items()}

    def _judge_of(self, way: _Steered) -> Judge:
        """In float64, on the way of the run that is judged."""

        def run(visit, noise):
            return eager.run_float64(
                self._program, self._leaves, visit, noise, Imposed(way.decisions), Replay(way.trail)
            )

        options = self._options
        return Judge(run, options.rtol, options.atol, options.rounding_factor)
