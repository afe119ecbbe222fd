"""What one set of inputs shows inside of branches and loops: each run of a body against the same
run of the body's own file, and where the file goes another way than PyTorch.

    bodies = BodySample(files, options, native.nan)
    eager.run_program(program, leaves, visit, decisions, bodies.lookout(scope))
    bodies.nodes["true_graph_0/conv2d"].run         # "in the branch true_graph_0 of cond"
    bodies.runs["while_loop_body_graph_0"].runs     # 7 iterations

Both sides of a comparison get PyTorch's operands, so a difference is the body's own. Of a body that
runs often, the first runs are compared and then ever fewer (is_compared).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from torch.fx import Node

from . import eager
from .bodies import Body, BodyOutline, bodies_of, inside, outline
from .body_files import BodyFiles
from .body_runs import BodyRuns
from .compare import Difference
from .decisions import COMPARED, Decisions, Imposed
from .exact import Judge
from .follow import Scope, agrees, followed
from .nan_flow import NanFlow
from .node_checks import NodeChecks
from .runtime import Kernels
from .sight import Sight
from .trail import Replay, Trail

_FIRST = 16  # runs of a body that are all compared; then as many in the time that doubles


def is_compared(number: int) -> bool:
    """Whether the run of a body is, counted from 0: each of the first 16, and eight of each stretch
    that is as long as all before it."""
    spacing = 1
    while number >= _FIRST * spacing:
        spacing *= 2
    return number % spacing == 0


class BodySample:
    def __init__(self, files: BodyFiles, options, nan: str):
        self.files, self.options = files, options
        self._has_nan_flow = nan != "exact"
        self.trail: Trail = []
        self.nodes: dict[str, Difference] = {}  # by path and name
        self.runs: dict[str, BodyRuns] = {}  # by path
        self.decided: dict[str, None] = {}  # nodes at which the file decides otherwise, in order
        self.cut: list[str] = []  # nodes of which infinities became the largest number

    def lookout(self, scope: Scope) -> eager.Lookout:
        return _Lookout(self, "", "", scope)

    def begin(self, path: str) -> bool:
        """Counts a run; whether it is to be compared."""
        counted = self.runs.setdefault(path, BodyRuns())
        number, counted.runs = counted.runs, counted.runs + 1
        chosen = self.options.every_node and path in self.files and is_compared(number)
        counted.compared += chosen
        return chosen

    def num_runs(self, node: Node, path: str) -> dict[str, int]:
        names = [inside(path, body.name) for body in bodies_of(node)]
        return {name: self.runs[name].runs if name in self.runs else 0 for name in names}

    def nan_flow(self, body: Body, operands: list[Any]) -> NanFlow | None:
        names = [node.name for node in body.module.graph.find_nodes(op="placeholder")]
        return NanFlow(body.module.graph, zip(names, operands)) if self._has_nan_flow else None

    def keep(self, path: str, checks: NodeChecks, where: str) -> None:
        """The first run that differs, or else the worst."""
        for name, difference in checks.worst.items():
            known = self.nodes.get(f"{path}/{name}")
            if known is None or (known.ok and difference.used > known.used):
                self.nodes[f"{path}/{name}"] = dataclasses.replace(difference, run=where)
        self.cut += [f"{path}/{name}" for name in checks.cut]


@dataclasses.dataclass(frozen=True)
class _Lookout:
    """Inside of one graph, the program's own or a body's (eager.Lookout)."""

    sample: BodySample
    path: str
    where: str  # "in iteration 3 of while_loop"
    scope: Scope | None  # what the file has for the graph; None: it is not looked at

    def run(self, node: Node, args: tuple, execute: Callable[[eager.Lookout], Any]) -> Any:
        sample, mark = self.sample, len(self.sample.trail)
        before = sample.num_runs(node, self.path)
        value = execute(self)
        for path, count in sample.num_runs(node, self.path).items():
            sample.runs.setdefault(path, BodyRuns()).note(count - before[path])
        if self.scope is None or agrees(self.scope, node, value, sample.options):
            return value
        other = followed(sample, self.scope, self.path, node, args, execute)
        if other is None:
            return value
        sample.trail[mark:] = other.trail
        return other.value

    def enter(self, body: Body, operands: list[Any], iteration: int | None) -> eager.Inside:
        body = dataclasses.replace(body, within=self.path)
        where = describe_run(outline(body), iteration, self.where)
        if self.sample.begin(body.path):
            return _compared(self.sample, body, operands, where)
        self.sample.trail.append(None)
        return eager.Inside(lookout=_Lookout(self.sample, body.path, where, None))

    def choose(self, node: Node, chosen: bool) -> bool:
        self.sample.trail.append(chosen)
        return chosen


def describe_run(body: BodyOutline, iteration: int | None, around: str) -> str:
    """ "in iteration 2 of while_loop, in the branch true_graph_0 of cond"."""
    if iteration is None:
        here = f"in {body.runs}"
    elif body.is_condition:
        here = f"in {body.runs} before iteration {iteration + 1}"
    else:
        here = f"in iteration {iteration + 1} of {body.caller.rpartition('/')[2]}"
    return f"{around}, {here}" if around else here


def _compared(sample: BodySample, body: Body, operands: list[Any], where: str) -> eager.Inside:
    """A run of a body next to that of its file on the same operands."""
    files, options = sample.files, sample.options
    read = files.run(body.path, Kernels.PLAIN, operands)
    placements = files.placements(body.path)
    checks = NodeChecks(
        files.trace(body.path).nodes, read, options, sample.nan_flow(body, operands)
    )
    sight, slack = Sight(placements, read), dict.fromkeys(placements, COMPARED)
    graph = body.module.graph
    decisions = Decisions(graph, sight, rtol=options.rtol, atol=options.atol, slack=slack)
    sample.trail.append(Imposed(decisions))
    mark = len(sample.trail)

    def leave(results: list[Any]) -> None:
        sample.decided |= {f"{body.path}/{name}": None for name in decisions.followed}
        wide = functools.partial(_run_wide, body, operands, decisions, sample.trail[mark:])
        _settle(checks, wide, options)
        sample.keep(body.path, checks, where)

    scope = Scope(sight, Kernels.PLAIN, decisions)
    return eager.Inside(checks.visit, decisions, _Lookout(sample, body.path, where, scope), leave)


def _run_wide(body: Body, operands: list[Any], decisions: Decisions, trail: Trail, visit, noise):
    return eager.run_body_float64(body, operands, visit, noise, Imposed(decisions), Replay(trail))


def _settle(checks: NodeChecks, run_wide: Callable, options) -> None:
    """What float64 says about the doubts of one run."""
    if not checks.doubts or options.rounding_factor <= 0:
        return
    judge = Judge(run_wide, options.rtol, options.atol, options.rounding_factor)
    judge.settle(checks.doubts, [])
    checks.worst |= {name: doubt.difference for name, doubt in checks.doubts.items()}
