"""Graphs of branches and bodies, made of what a trace of them left, and the calls of them.

    graph = close(traced, operands, results, written, place)
    outputs = call(torch.ops.higher_order.cond, (predicate,), {"true_graph": …}, (operands,), …)

torch would trace each branch three times over, and each branch inside of it as often again; so the
node is made here, as torch's own tracing rules make it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import (
    disable_proxy_modes_tracing,
    get_proxy_mode,
    track_tensor_tree,
)
from torch.utils import _pytree as pytree

from .bodies import Traced, storage
from .opened import number_type
from .state import UNBOUND, State

_aten = torch.ops.aten


@dataclasses.dataclass(frozen=True)
class Slot:
    """A tensor that a graph has to give back."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    stride: tuple[int, ...] | None = None  # None: in order

    def empty(self) -> torch.Tensor:
        if self.stride is None:
            return torch.empty(self.shape, dtype=self.dtype)
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype)


def close(
    traced: Traced,
    operands: Sequence[torch.Tensor],
    results: Sequence[tuple[Slot, Any]],
    written: Sequence[torch.Tensor],
    state: State,
) -> GraphModule:
    """With the operands for inputs, and these values for results: tensors, numbers, or UNBOUND
    where nobody reads one. What is written in place is a clone, which is a result, too."""
    closing = _Closing(traced, operands, written, state)
    outputs = [closing.result(slot, value) for slot, value in results]
    return closing.finish([*outputs, *closing.clones])


def close_test(traced: Traced, operands: Sequence[torch.Tensor], state: State) -> GraphModule:
    """A graph of which the one result is a bool."""
    closing = _Closing(traced, operands, (), state)
    return closing.finish(closing.result(Slot(torch.bool, ()), traced.values[0]))


class _Closing:
    def __init__(self, traced: Traced, operands, written, state: State):
        self._module, self._graph = traced.graph, traced.graph.graph
        self._trace = f'  File "{state.file}", line {state.line}, in {state.kind}\n'
        self._output = next(node for node in self._graph.nodes if node.op == "output")
        self._nodes = dict(traced.nodes)
        self._seen = {storage(tensor) for tensor in operands}
        with self._graph.inserting_before(next(iter(self._graph.nodes))):
            places = {id(tensor): self._placeholder(p, tensor) for p, tensor in enumerate(operands)}
            clones = {id(t): self._call(_aten.clone.default, places[id(t)]) for t in written}
        self.clones = list(clones.values())
        self._replace_constants(traced, places | clones)

    def _placeholder(self, position: int, tensor: torch.Tensor) -> Node:
        node = self._graph.placeholder(f"operand_{position}")
        node.meta["val"] = tensor
        return node

    def _replace_constants(self, traced: Traced, places: dict[int, Node]) -> None:
        for node in list(self._graph.nodes):
            tensor = traced.constants.get(node.target) if node.op == "get_attr" else None
            if tensor is not None:
                node.replace_all_uses_with(places[id(tensor)])
                self._graph.erase_node(node)
        self._nodes |= places
        for name in traced.constants:
            delattr(self._module, name)

    def result(self, slot: Slot, value: Any) -> Node:
        with self._graph.inserting_before(self._output):
            if value is UNBOUND or number_type(value) is not None:
                number = 0 if value is UNBOUND else value
                return self._call(_aten.full.default, list(slot.shape), number, dtype=slot.dtype)
            node, memory = self._nodes[id(value)], storage(value)
            known = node
            if value.dtype is not slot.dtype:
                node = self._call(_aten.to.dtype, node, slot.dtype)
            if tuple(value.shape) != slot.shape:
                node = self._call(_aten.expand.default, node, list(slot.shape))
            in_order = slot.stride is None and not node.meta["val"].is_contiguous()
            # torch's graphs may give back neither what was given, nor one thing twice.
            if (
                in_order
                or (memory in self._seen and value.dtype is slot.dtype)
                or node is not known
            ):
                form = {"memory_format": torch.contiguous_format} if slot.stride is None else {}
                node = self._call(_aten.clone.default, node, **form)
            self._seen.add(memory)
            return node

    def _call(self, target, *args, **kwargs) -> Node:
        node = self._graph.call_function(target, args, kwargs)
        values = torch.fx.node.map_arg((args, kwargs), lambda n: n.meta["val"])
        with disable_proxy_modes_tracing():
            node.meta["val"] = target(*values[0], **values[1])
        node.meta["stack_trace"] = self._trace
        return node

    def finish(self, outputs: Any) -> GraphModule:
        self._output.args = (tuple(outputs) if isinstance(outputs, list) else outputs,)
        self._graph.eliminate_dead_code()
        self._graph.lint()
        self._module.recompile()
        return self._module


def without_last(graph: GraphModule, count: int) -> GraphModule:
    """Without some of its results, which are among the others."""
    output = next(node for node in graph.graph.nodes if node.op == "output")
    output.args = (output.args[0][: len(output.args[0]) - count],)
    graph.recompile()
    return graph


def call(
    operator: Any,
    first: tuple,
    graphs: dict[str, GraphModule],
    operands: tuple,
    slots: Sequence[Slot],
) -> tuple[torch.Tensor, ...]:
    """A node that calls the operator with graphs of these names, and the tensors that it gives."""
    mode = get_proxy_mode()
    root = mode.tracer.root
    number = next(n for n in range(1 << 20) if not any(hasattr(root, f"{g}_{n}") for g in graphs))
    for name, graph in graphs.items():
        root.register_module(f"{name}_{number}", graph)
    arguments = (*first, *graphs.values(), *operands)
    proxies = pytree.tree_map(mode.tracer.unwrap_proxy, arguments)
    result = mode.tracer.create_proxy("call_function", operator, proxies, {})
    with disable_proxy_modes_tracing():
        outputs = tuple(slot.empty() for slot in slots)
    assert all(isinstance(output, FakeTensor) for output in outputs)
    return track_tensor_tree(outputs, result, constant=None, tracer=mode.tracer)
