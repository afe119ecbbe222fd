"""Goes through a branch or loop as the file does, where rounding decides about the way.

    if not agrees(scope, node, value, options):
        other = followed(sample, scope, path, node, args, execute)       # None: the file is wrong

A loop ends when a value falls below a threshold, and by rounding alone it does so an iteration
sooner or later; or a floor inside of it cuts to one side. The file does not show what it has
inside of a loop. But the files of its bodies, run one after the other on the file's own values, go
its way. PyTorch goes it with them, its own values in hand, and at each decision follows if it is
right for these (decisions.py). If what comes out is what the file has, that is the way to go on
with.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch.fx import Node
from torch.utils import _pytree as pytree

from . import bodies, eager
from .bodies import Body, bodies_of, inside, kind_of
from .body_files import BodyFiles
from .decisions import COMPARED, Decisions, Imposed
from .runtime import Kernels
from .sight import Sight
from .trail import Trail

_MOST_RUNS = 2048  # of bodies in one node


@dataclasses.dataclass(frozen=True)
class Scope:
    """How a run of a file is seen in one graph."""

    sight: Callable[[str, torch.Tensor], torch.Tensor | None]
    kernels: Kernels
    decisions: Decisions | None = None


@dataclasses.dataclass(frozen=True)
class Followed:
    value: Any
    trail: Trail


class _LostSight(Exception):
    """The file's way cannot be seen, or is not right."""


def agrees(scope: Scope, node: Node, value: Any, options) -> bool:
    """Whether results are what the file has for them, as far as it shows them."""
    for user in node.users:
        if user.target is not operator.getitem:
            continue
        result = value[user.args[1]]
        seen = scope.sight(user.name, result) if isinstance(result, torch.Tensor) else None
        if seen is not None and not _is_close(seen, result, options):
            return False
    return True


def _is_close(seen: torch.Tensor, value: torch.Tensor, options) -> bool:
    if not value.is_floating_point() or value.numel() == 0:
        return torch.equal(seen, value)
    largest = float(value.nan_to_num(0, 0, 0).abs().max())
    return torch.allclose(
        seen.double(), value.double(), rtol=0, atol=options.atol + options.rtol * largest,
        equal_nan=True,
    )  # fmt: skip


def followed(
    sample, scope: Scope, path: str, node: Node, args: tuple, execute: Callable[[Any], Any]
) -> Followed | None:
    """sample: a BodySample."""
    try:
        lookout = _way_of_file(sample, scope, path, node, args)
        value = execute(lookout)
    except _LostSight:
        return None
    if not agrees(scope, node, value, sample.options):
        return None
    sample.decided[inside(path, node.name)] = None
    return Followed(value, lookout.trail)


def _way_of_file(sample, scope: Scope, path: str, node: Node, args: tuple):
    if _is_undecided(scope, node, args):
        return _OtherBranch([])
    if not all(body.path in sample.files for body in bodies_of(node, path)):
        raise _LostSight
    way = _FileRuns(sample.files, scope.kernels, bodies_of(node, path))
    bodies.run(node, _values_of_file(scope, node, args), way)
    return _Following(sample, path, way)


def _is_undecided(scope: Scope, node: Node, args: tuple) -> bool:
    """Whether a branch's condition hangs on an open decision, and the file does not show it."""
    if kind_of(node) != "cond" or scope.decisions is None or not isinstance(node.args[0], Node):
        return False
    condition = node.args[0]
    if not isinstance(args[0], torch.Tensor) or scope.sight(condition.name, args[0]) is not None:
        return False
    return any(source.name in scope.decisions.open for source in _sources(condition))


def _sources(node: Node) -> set[Node]:
    """The node and all that it is computed from."""
    reached, waiting = set(), [node]
    while waiting:
        source = waiting.pop()
        if source not in reached:
            reached.add(source)
            waiting += source.all_input_nodes
    return reached


def _values_of_file(scope: Scope, node: Node, args: tuple) -> tuple:
    """The arguments as the file has them, and as PyTorch has them where it does not show them."""

    def value_of(source: Any, value: Any) -> Any:
        if not isinstance(source, Node) or not isinstance(value, torch.Tensor):
            return value
        seen = scope.sight(source.name, value)
        return value if seen is None else seen

    values, tree = pytree.tree_flatten(args)
    sources = pytree.tree_leaves(node.args)
    return pytree.tree_unflatten([value_of(*pair) for pair in zip(sources, values)], tree)


class _FileRuns:
    """Runs the files of bodies in the place of the bodies (bodies.BodyRunner)."""

    def __init__(self, files: BodyFiles, kernels: Kernels, of_node: list[Body]):
        self._files, self.kernels, self._bodies = files, kernels, of_node
        self.operands: list[list[Any]] = []  # of each run
        self.choices: list[bool] = []

    def run(self, which: int, operands: list[Any], iteration: int | None) -> list[Any]:
        if len(self.operands) == _MOST_RUNS:
            raise _LostSight
        self.operands.append(operands)
        body = self._bodies[which]
        sight = sight_of_body(self._files, self.kernels, body, operands)
        results = bodies.flat(body.module.graph.output_node().args[0])
        return [_result(sight, result) for result in results]

    def choose(self, chosen: bool) -> bool:
        self.choices.append(chosen)
        return chosen


def _result(sight, result: Any) -> Any:
    if not isinstance(result, Node):
        return result
    value = sight(result.name, result.meta["val"])
    if value is None:
        raise _LostSight
    return value


def sight_of_body(files: BodyFiles, kernels: Kernels, body: Body, operands: list[Any]):
    """What a run of its file has, its operands among it."""
    inner = Sight(files.placements(body.path), files.run(body.path, kernels, operands))
    placeholders = body.module.graph.find_nodes(op="placeholder")
    given = {node.name: value for node, value in zip(placeholders, operands)}

    def sight(name: str, like: torch.Tensor) -> torch.Tensor | None:
        return given[name] if name in given else inner(name, like)

    return sight


class _Following:
    """PyTorch on the way of a file (eager.Lookout)."""

    def __init__(self, sample, path: str, way: _FileRuns):
        self._sample, self._path, self._kernels = sample, path, way.kernels
        self._operands, self._choices = iter(way.operands), iter(way.choices)
        self.trail: Trail = []

    def run(self, node: Node, args: tuple, execute: Callable[[eager.Lookout], Any]) -> Any:
        return execute(self)

    def enter(self, body: Body, operands: list[Any], iteration: int | None) -> eager.Inside:
        options, graph = self._sample.options, body.module.graph
        body = dataclasses.replace(body, within=self._path)
        given = next(self._operands, None)
        if given is None:
            raise _LostSight
        sight = sight_of_body(self._sample.files, self._kernels, body, given)
        slack = dict.fromkeys((n.name for n in graph.nodes), COMPARED)
        decisions = Decisions(
            graph, sight, rtol=options.rtol, atol=options.atol, slack=slack, exact=()
        )
        self.trail.append(Imposed(decisions))
        scope = Scope(sight, self._kernels, decisions)
        return eager.Inside(
            steer=decisions, lookout=Along(self._sample, body.path, scope, self.trail)
        )

    def choose(self, node: Node, chosen: bool) -> bool:
        if next(self._choices, None) != chosen:
            raise _LostSight
        self.trail.append(chosen)
        return chosen


class _Recording:
    """PyTorch on its own way (eager.Lookout)."""

    def __init__(self, trail: Trail):
        self.trail = trail

    def run(self, node: Node, args: tuple, execute: Callable[[eager.Lookout], Any]) -> Any:
        return execute(self)

    def enter(self, body: Body, operands: list[Any], iteration: int | None) -> eager.Inside:
        self.trail.append(None)
        return eager.Inside(lookout=_Recording(self.trail))

    def choose(self, node: Node, chosen: bool) -> bool:
        self.trail.append(chosen)
        return chosen


class _OtherBranch(_Recording):
    """In the one node that it is for."""

    def choose(self, node: Node, chosen: bool) -> bool:
        return super().choose(node, not chosen)


@dataclasses.dataclass(frozen=True)
class Along:
    """Inside of a graph on the way of a file, which nothing is compared with (eager.Lookout)."""

    sample: Any
    path: str
    scope: Scope
    trail: Trail

    def run(self, node: Node, args: tuple, execute: Callable[[eager.Lookout], Any]) -> Any:
        plainly = _Recording([])
        value = execute(plainly)
        own = Followed(value, plainly.trail)
        if not agrees(self.scope, node, value, self.sample.options):
            own = followed(self.sample, self.scope, self.path, node, args, execute) or own
        self.trail.extend(own.trail)
        return own.value
