"""torch's operators that branch and loop, each with the graphs that it runs: its bodies.

    for body in bodies_of(node): body.name, body.module     # "true_graph_0", GraphModule
    results = run(node, args, runner)                       # body by body
    for body in all_bodies(program.graph_module): body.path    # "body_graph_0/true_graph_0"

A body is closed: its placeholders are the operands of the operator, list after list. What the
operators do with them is what torch's dense implementations do (torch/_higher_order_ops), but for
`associative_scan`, which is combined from the first entry to the last, as files do it.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree

_CONDITION, _BODY = 0, 1  # the graphs of a while_loop
# Where the bodies begin among the arguments, and how many there are.
_KINDS = {
    "cond": (1, 2),
    "while_loop": (0, 2),
    "scan": (0, 1),
    "map_impl": (0, 1),
    "associative_scan": (0, 1),
}


@dataclasses.dataclass(frozen=True)
class Body:
    """`path`: the names of the graphs around it and its own; `within`: that of the graph around."""

    node: Node  # that runs it
    name: str
    module: GraphModule
    within: str = ""

    @property
    def path(self) -> str:
        return inside(self.within, self.name)

    @property
    def caller(self) -> str:
        """The key of the node that runs it."""
        return inside(self.within, self.node.name)


@dataclasses.dataclass(frozen=True)
class BodyOutline:
    """What a report says of a body."""

    path: str
    name: str
    kind: str  # of the node that runs it: "while_loop"
    caller: str  # the key of that node
    results: tuple[str, ...]  # the keys of what it gives
    is_condition: bool

    @property
    def runs(self) -> str:
        """ "the branch true_graph_0 of cond"."""
        caller = self.caller.rpartition("/")[2]
        if self.kind == "cond":
            return f"the branch {self.name} of {caller}"
        return f"the {'condition' if self.is_condition else 'body'} of {caller}"


class BodyRunner(Protocol):
    def run(self, which: int, operands: list[Any], iteration: int | None) -> list[Any]:
        """One run of a body, by its place among those of the node; the flat results."""

    def choose(self, chosen: bool) -> bool:
        """Whether the first branch is taken, or another iteration done. Asked each time."""


def inside(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def kind_of(node: Node) -> str:
    """ "cond", "while_loop", "scan", "map_impl" or "associative_scan"; "" of other nodes."""
    if node.op != "call_function" or not isinstance(node.target, torch._ops.HigherOrderOperator):
        return ""
    name = node.target.__name__
    return name if name in _KINDS else ""


def bodies_of(node: Node, within: str = "") -> list[Body]:
    kind = kind_of(node)
    if not kind:
        return []
    first, count = _KINDS[kind]
    graphs = node.args[first : first + count]
    return [Body(node, graph.target, attribute_of(graph), within) for graph in graphs]


def attribute_of(node: Node) -> Any:
    """What a get_attr node gives."""
    value = node.graph.owning_module
    for part in str(node.target).split("."):
        value = getattr(value, part)
    return value


def all_bodies(module: GraphModule, within: str = "") -> Iterator[Body]:
    """Of a program, at any depth, in the order of the nodes that run them."""
    for node in module.graph.nodes:
        for body in bodies_of(node, within):
            yield body
            yield from all_bodies(body.module, body.path)


def outlines(program: ExportedProgram) -> dict[str, BodyOutline]:
    """Of all bodies of a program, by path."""
    return {body.path: outline(body) for body in all_bodies(program.graph_module)}


def outline(body: Body) -> BodyOutline:
    node, kind = body.node, kind_of(body.node)
    items = [user for user in node.users if user.target is operator.getitem]
    return BodyOutline(
        path=body.path,
        name=body.name,
        kind=kind,
        caller=body.caller,
        results=tuple(inside(body.within, item.name) for item in items) or (body.caller,),
        is_condition=kind == "while_loop" and node.args[_CONDITION].target == body.name,
    )


# Running them -------------------------------------------------------------------------------------


def run(node: Node, args: tuple, runner: BodyRunner) -> Any:
    """The results of a node for the values of its arguments."""
    return _RUNS[kind_of(node)](args, runner)


def _cond(args: tuple, runner: BodyRunner) -> tuple:
    condition, *_, operands = args
    which = 0 if runner.choose(bool(condition)) else 1
    return tuple(runner.run(which, list(operands), None))


def _while_loop(args: tuple, runner: BodyRunner) -> tuple:
    *_, carried, others = args
    carried, others = [_copy(value) for value in carried], list(others)
    iteration = 0
    while runner.choose(bool(runner.run(_CONDITION, [*carried, *others], iteration)[0])):
        carried = runner.run(_BODY, [*carried, *others], iteration)
        iteration += 1
    return tuple(carried)


def _scan(args: tuple, runner: BodyRunner) -> tuple:
    _, carried, sequences, others = args
    if not sequences:
        return tuple(carried)
    count, carried, stored = len(carried), list(carried), []
    for position in range(sequences[0].shape[0]):
        entries = [sequence[position] for sequence in sequences]
        results = runner.run(0, [*carried, *entries, *others], position)
        carried = results[:count]
        stored.append(results[count:])
    return (*carried, *_stacked(stored))


def _map(args: tuple, runner: BodyRunner) -> tuple:
    _, sequences, others = args
    stored = [
        runner.run(0, [*(sequence[position] for sequence in sequences), *others], position)
        for position in range(sequences[0].shape[0])
    ]
    return tuple(_stacked(stored))


def _associative_scan(args: tuple, runner: BodyRunner) -> tuple:
    _, sequences, others = args
    if sequences[0].shape[0] < 2:
        return tuple(sequences)
    stored = [[sequence[0] for sequence in sequences]]
    for position in range(1, sequences[0].shape[0]):
        entries = [sequence[position] for sequence in sequences]
        stored.append(runner.run(0, [*stored[-1], *entries, *others], position))
    return tuple(_stacked(stored))


def _stacked(rows: list[list[Any]]) -> list[Any]:
    if not rows:
        raise ValueError("a loop over no entries")  # torch has no shape for its results either
    return [torch.stack(column) if _is_tensor(column[0]) else None for column in zip(*rows)]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _copy(value: Any) -> Any:
    return value.clone() if _is_tensor(value) else value


_RUNS: dict[str, Callable[[tuple, BodyRunner], Any]] = {
    "cond": _cond, "while_loop": _while_loop, "scan": _scan, "map_impl": _map,
    "associative_scan": _associative_scan,
}  # fmt: skip


def flat(results: Any) -> list[Any]:
    """What a graph gives, one or several."""
    return list(pytree.tree_leaves(results, is_leaf=lambda value: value is None))
