"""Which ways inputs take through the branches and loops of a program.

    all_ways(program)               # frozenset({"true_graph_0", "false_graph_0", …})
    ways_of(program, leaves)        # those that these inputs take, without a file

A way is the path of a body that is run: a branch, or the body of a loop with an iteration at least.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch.export import ExportedProgram

from . import eager
from .bodies import Body, inside, outlines


@dataclasses.dataclass
class BodyRuns:
    """How often a body was run, over all inputs that were tried.

    compared: in how many of these its nodes were. fewest, most: runs each time that its operator
    ran; -1 if it never did.
    """

    runs: int = 0
    compared: int = 0
    fewest: int = -1
    most: int = -1

    def note(self, runs: int) -> None:
        """How many one run of the operator took."""
        self.fewest = runs if self.fewest < 0 else min(self.fewest, runs)
        self.most = max(self.most, runs)

    def add(self, other: BodyRuns) -> None:
        """Those of other inputs."""
        self.runs += other.runs
        self.compared += other.compared
        for runs in (other.fewest, other.most) if other.most >= 0 else ():
            self.note(runs)


def all_ways(program: ExportedProgram) -> frozenset[str]:
    return frozenset(path for path, body in outlines(program).items() if not body.is_condition)


def ways_of(program: ExportedProgram, leaves: list[Any]) -> frozenset[str]:
    """Raises what the program raises on these inputs."""
    taken: set[str] = set()
    eager.run_program(program, leaves, None, lookout=_Recorder(taken))
    return frozenset(taken) & all_ways(program)


class _Recorder:
    """eager.Lookout."""

    def __init__(self, taken: set[str], path: str = ""):
        self._taken, self._path = taken, path

    def run(self, node: torch.fx.Node, args: tuple, execute: Callable[[eager.Lookout], Any]) -> Any:
        return execute(self)

    def enter(self, body: Body, operands: list[Any], iteration: int | None) -> eager.Inside:
        path = inside(self._path, body.name)
        self._taken.add(path)
        return eager.Inside(lookout=_Recorder(self._taken, path))

    def choose(self, node: torch.fx.Node, chosen: bool) -> bool:
        return chosen
