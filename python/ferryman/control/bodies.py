"""What a branch or the body of a loop does, found out by tracing it into a graph.

    traced = trace(run, state, values)
    traced.values        # of the variables afterwards
    traced.used          # the tensors of outside that it needs: weights, what others computed
    traced.written       # those of them that it writes in place
    traced.graph         # with the tensors of outside as constants

Who traces a second time pays for all that is inside once more; so the graph is used (graphs.py).
"""

from __future__ import annotations

import dataclasses
import dis
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch._higher_order_ops.utils import reenter_make_fx
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree

from ..operators import written_tensors
from ..places import place_of
from ..reach import is_foreign
from .opened import opened
from .record import deeper
from .sizes import known_sizes, tell_sizes
from .state import UNBOUND, State, cell


@dataclasses.dataclass
class Traced:
    values: list[Any]
    graph: GraphModule
    nodes: dict[int, Node]  # of the tensors that it leaves, by their id
    constants: dict[str, torch.Tensor]  # the tensors of outside, by their name in the graph
    written: list[torch.Tensor]
    raised: Exception | None  # by a `raise` of the user's: nothing else came of it

    @property
    def used(self) -> list[torch.Tensor]:
        return list({id(tensor): tensor for tensor in self.constants.values()}.values())


def trace(run: Callable[[], None], state: State, values: list[Any]) -> Traced:
    given = copied(values)
    after: list[Any] = []
    left: list[torch.Tensor] = []
    raised: list[Exception] = []

    def traced() -> tuple:
        tell_sizes()
        state.put(given)
        try:
            run()
        except Exception as error:
            if not _is_raised(error):
                raise
            raised.append(error)
            return ()
        after.extend(pytree.tree_map(opened, state.get()))
        left.extend(_results(state, values, after))
        return tuple(left)

    with deeper(), known_sizes(values):
        graph = reenter_make_fx(traced)()
    constants = _constants(graph)
    written = _written(graph, constants)
    output = next(node for node in graph.graph.nodes if node.op == "output")
    nodes = {id(tensor): node for tensor, node in zip(left, output.args[0])}
    return Traced(after, graph, nodes, constants, written, raised[0] if raised else None)


def trace_value(compute: Callable[[], torch.Tensor], state: State, values: list[Any]) -> Traced:
    """Of one tensor that is computed; `values` has it alone."""
    found = cell(UNBOUND)
    result = found.state(state.kind, "value", state.file, state.line)
    return trace(lambda: found.set(_at(compute, state, values)), result, [UNBOUND])


def _at(compute: Callable[[], torch.Tensor], state: State, values: list[Any]) -> torch.Tensor:
    state.put(copied(values))
    return compute()


def _results(state: State, before: list[Any], after: list[Any]) -> Iterable[torch.Tensor]:
    for name, old, new in zip(state.names, before, after):
        if name in state.outputs or is_container(old):
            same = {id(leaf) for leaf in pytree.tree_leaves(old)}
            for leaf in pytree.tree_leaves(new):
                if isinstance(leaf, torch.Tensor) and id(leaf) not in same:
                    yield leaf


def _constants(graph: GraphModule) -> dict[str, torch.Tensor]:
    """By their name in the graph. A tensor that has data was made inside, from numbers."""
    found = {}
    for node in graph.graph.nodes:
        if node.op == "get_attr":
            value = _attribute(graph, node.target)
            if isinstance(value, FakeTensor):
                found[node.target] = value
    return found


def _attribute(graph: GraphModule, path: str) -> Any:
    value: Any = graph
    for part in path.split("."):
        value = getattr(value, part)
    return value


def _written(graph: GraphModule, used: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """Also those of which it writes a view."""
    memory: set[int] = set()
    for node in graph.graph.nodes:
        if isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable:
            args, kwargs = torch.fx.node.map_arg(
                (node.args, node.kwargs), lambda n: _value(graph, n)
            )
            memory |= {storage(t) for t in written_tensors(node.target, args, kwargs)}
    unique = {id(tensor): tensor for tensor in used.values() if storage(tensor) in memory}
    return list(unique.values())


def _value(graph: GraphModule, node: Node) -> Any:
    return _attribute(graph, node.target) if node.op == "get_attr" else node.meta.get("val")


def storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _is_raised(error: Exception) -> bool:
    """Whether the user's own code says `raise`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or is_foreign(trace.tb_frame.f_globals.get("__name__")):
        return False
    operation = trace.tb_frame.f_code.co_code[trace.tb_lasti]
    return dis.opname[operation] == "RAISE_VARARGS"


def place_of_raise(error: Exception) -> tuple[str, int]:
    file, _, line = place_of(error).rpartition(" (")[2].rstrip(")").rpartition(":")
    return file, int(line or 0)


# Containers --------------------------------------------------------------------------------------


def is_container(value: Any) -> bool:
    """What a branch may change without binding a name."""
    return type(value) in (list, dict)


def copied(values: list[Any]) -> list[Any]:
    """Lists and dicts anew, so that a trace changes its own only; one that has two names once."""
    memo: dict[int, Any] = {}

    def copy(value: Any) -> Any:
        if id(value) in memo:
            return memo[id(value)]
        if type(value) is list:
            memo[id(value)] = new = []
            new.extend(map(copy, value))
            return new
        if type(value) is dict:
            memo[id(value)] = new = {}
            new.update((key, copy(item)) for key, item in value.items())
            return new
        if type(value) is tuple and any(map(is_container, value)):
            return tuple(map(copy, value))
        return value

    return [copy(value) for value in values]


def replaced(values: Any, by: dict[int, Any]) -> Any:
    """With other tensors in the place of some, by their id."""
    return pytree.tree_map_only(torch.Tensor, lambda t: by.get(id(t), t), values)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are one, or containers of the same ones."""
    if one is other:
        return True
    if not is_container(one) or type(one) is not type(other) or len(one) != len(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    return all(map(is_same, one, other))
