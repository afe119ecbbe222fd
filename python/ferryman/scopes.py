"""The graphs of a program, to be changed: its own, and those of its branches, loops and regions.

    program = copy_program(program)             # with graphs of its own, at any depth
    for scope in scopes(program):               # the outer ones first
        node = scope.add_constant(tensor)       # to be read in scope.graph

Graphs of branches and loops read nothing from outside: what they need are operands of the node that
runs them. A constant is one of the program, handed in through the nodes around.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, InputSpec, TensorArgument
from torch.fx import Graph, GraphModule, Node

from .bodies import attribute_of, kind_of

_REGIONS = ("wrap_with_set_grad_enabled", "wrap_with_autocast")  # operands follow their graph


@dataclasses.dataclass(frozen=True)
class Scope:
    """`around`, `caller`: the graph and its node that runs this one; None for the program's own."""

    program: ExportedProgram
    module: GraphModule
    around: Scope | None = None
    caller: Node | None = None

    @property
    def graph(self) -> Graph:
        return self.module.graph

    def inner(self) -> Iterator[Scope]:
        """Those that nodes of this one run."""
        for node in self.graph.nodes:
            for graph in _graphs_of(node):
                yield Scope(self.program, attribute_of(graph), self, node)

    def add_constant(self, tensor: torch.Tensor) -> Node:
        if self.around is None or self.caller is None:
            return add_constant(self.program, tensor)
        outer = self.around.add_constant(tensor)
        _add_operand(self.caller, outer)
        added = [_add_placeholder(attribute_of(graph), outer) for graph in _graphs_of(self.caller)]
        return next(node for node in added if node.graph is self.graph)


def scopes(program: ExportedProgram) -> Iterator[Scope]:
    waiting = [Scope(program, program.graph_module)]
    while waiting:
        scope = waiting.pop(0)
        yield scope
        waiting += scope.inner()


def _graphs_of(node: Node) -> list[Node]:
    """The get_attr nodes of what it runs."""
    is_region = node.op == "call_function" and getattr(node.target, "__name__", "") in _REGIONS
    if not is_region and not kind_of(node):
        return []
    arguments = [argument for argument in node.args if isinstance(argument, Node)]
    return [
        argument
        for argument in arguments
        if argument.op == "get_attr" and isinstance(attribute_of(argument), GraphModule)
    ]


def _add_operand(caller: Node, operand: Node) -> None:
    """The last one."""
    if not kind_of(caller):
        caller.args = (*caller.args, operand)
        return
    *others, operands = caller.args
    caller.args = (*others, (*operands, operand))


def _add_placeholder(module: GraphModule, outer: Node) -> Node:
    graph = module.graph
    with graph.inserting_before(first_call(graph)):
        node = graph.placeholder(outer.name)
    node.meta["val"] = outer.meta["val"]
    return node


def first_call(graph: Graph) -> Node:
    return next(node for node in graph.nodes if node.op != "placeholder")


def add_constant(program: ExportedProgram, tensor: torch.Tensor) -> Node:
    """A tensor that a decomposition made from numbers, as a constant of the program."""
    name = f"ferryman_constant_{len(program.constants)}"
    placeholders = program.graph.find_nodes(op="placeholder")
    specs = program.graph_signature.input_specs
    kinds = [spec.kind for spec in specs]
    place = kinds.index(InputKind.USER_INPUT) if InputKind.USER_INPUT in kinds else len(kinds)
    before = placeholders[place] if place < len(placeholders) else first_call(program.graph)
    with program.graph.inserting_before(before):
        node = program.graph.placeholder(name)
    mode = torch._guards.detect_fake_mode([n.meta.get("val") for n in placeholders])
    node.meta["val"] = mode.from_tensor(tensor, static_shapes=True)
    specs.insert(place, InputSpec(InputKind.CONSTANT_TENSOR, TensorArgument(node.name), name))
    program.constants[name] = tensor
    return node


# Copies -------------------------------------------------------------------------------------------


def copy_program(program: ExportedProgram) -> ExportedProgram:
    """With graphs, a signature and constants of its own; weights are shared."""
    signature = program.graph_signature
    return program._update(
        _copy_module(program.graph_module),
        type(signature)(list(signature.input_specs), list(signature.output_specs)),
        state_dict=program.state_dict,
        constants=dict(program.constants),
    )


def with_weights(
    program: ExportedProgram, tensors: dict[str, torch.Tensor]
) -> ExportedProgram:
    """The same with others for its parameters and buffers."""
    before = program.state_dict
    state = {
        name: nn.Parameter(tensor, requires_grad=False)
        if isinstance(before[name], nn.Parameter) and not isinstance(tensor, nn.Parameter)
        else tensor
        for name, tensor in tensors.items()
    }
    return program._update(
        program.graph_module,
        program.graph_signature,
        state_dict=state,
        constants=program.constants,
    )


def _copy_module(module: GraphModule) -> GraphModule:
    graph = Graph()
    copies: dict[Node, Node] = {}
    result, original = graph.graph_copy(module.graph, copies, return_output_node=True)
    graph.output(result).meta.update(original.meta)
    for node, copy in copies.items():
        copy.name = node.name  # the signature spells it; torch renames what Python knows ("input")
    copied = GraphModule(module, graph)
    copied.meta.update(module.meta)
    for node in graph.find_nodes(op="get_attr"):
        value = attribute_of(node)
        if isinstance(value, GraphModule):
            _set_attribute(copied, str(node.target), _copy_module(value))
    return copied


def _set_attribute(module: Any, path: str, value: GraphModule) -> None:
    *owners, name = path.split(".")
    for owner in owners:
        module = getattr(module, owner)
    setattr(module, name, value)
