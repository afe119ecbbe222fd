"""Buffers that forward writes, as what goes in and comes out: where a file holds no state.

    state = ExplicitState.of(program, native)      # None: forward writes to none
    state.program                                  # takes and returns them, and computes the same
    y, buffers = model(x)                          # from the module's own values
    y, buffers = model(x, state=buffers)           # and on from there

The core has the file's inputs and outputs for them behind the program's own; here the program, the
module and the arguments follow.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    TensorArgument,
)
from torch.fx import Graph, Node
from torch.utils import _pytree as pytree

from .native_contract import NativeReport
from .scopes import copy_program

_NAMES = ("state", "buffers", "module_state")  # of the argument: the first that forward leaves free


@dataclasses.dataclass(frozen=True)
class ExplicitState:
    """
    argument: what `state=` is called; another where forward has an argument of that name.
    initial: the module's own values, by the names of the buffers in its state_dict.
    """

    argument: str
    initial: dict[str, torch.Tensor]
    program: ExportedProgram

    @staticmethod
    def of(
        program: ExportedProgram, native: NativeReport, signature: inspect.Signature | None
    ) -> ExplicitState | None:
        names = [port.buffer for port in native.inputs if port.buffer]
        if not names:
            return None
        taken = set() if signature is None else set(signature.parameters)
        argument = next(name for name in _NAMES if name not in taken)
        initial = {name: _value_of(program, name) for name in names}
        return ExplicitState(argument, initial, _with_state(program, argument, initial))

    def signature(self, signature: inspect.Signature | None) -> inspect.Signature | None:
        """Of forward, with the state behind it."""
        if signature is None:
            return None
        parameter = inspect.Parameter(self.argument, inspect.Parameter.KEYWORD_ONLY)
        *before, last = (*signature.parameters.values(), parameter)
        if before and before[-1].kind is inspect.Parameter.VAR_KEYWORD:
            before, last = [*before[:-1], last], before[-1]
        return signature.replace(parameters=[*before, last])

    def module(self, module: nn.Module) -> nn.Module:
        return _StatefulModule(module, self.argument)


class StateCarrier:
    """From call to call: what comes out of one goes into the next, as a caller passes it on."""

    def __init__(self, native: NativeReport):
        places = {port.buffer: port.index for port in native.outputs if port.buffer}
        self._places = [
            (port.index, places[port.buffer]) for port in native.inputs if port.buffer
        ]
        self._values: list[Any] = []

    def __bool__(self) -> bool:
        return bool(self._places)

    def into(self, leaves: list[Any]) -> list[Any]:
        """The leaves of the next call."""
        leaves = list(leaves)
        for (place, _), value in zip(self._places, self._values):
            leaves[place] = value
        return leaves

    def keep(self, results: list[Any]) -> None:
        self._values = [results[place] for _, place in self._places]


class _StatefulModule(nn.Module):
    """The user's module as a function of its buffers."""

    def __init__(self, module: nn.Module, argument: str):
        super().__init__()
        self.module, self._argument = module, argument
        self.training = module.training

    def forward(self, *args, **kwargs):
        state = kwargs.pop(self._argument)
        for name, value in state.items():
            path, _, own = name.rpartition(".")
            self.module.get_submodule(path)._buffers[own] = value.clone()
        result = self.module(*args, **kwargs)
        return result, {name: self.module.get_buffer(name).clone() for name in state}


def _value_of(program: ExportedProgram, name: str) -> torch.Tensor:
    value = program.state_dict.get(name)
    return (program.constants[name] if value is None else value).detach().clone()


# The program --------------------------------------------------------------------------------------


def _with_state(
    program: ExportedProgram, argument: str, initial: dict[str, torch.Tensor]
) -> ExportedProgram:
    copied = copy_program(program)  # with all names: torch's own copies rename "input"
    graph, signature = copied.graph, copied.graph_signature
    placeholders = {node.name: node for node in graph.nodes if node.op == "placeholder"}
    inputs = {spec.target: spec for spec in signature.input_specs if spec.target in initial}
    nodes = {name: placeholders[inputs[name].arg.name] for name in initial}
    _return_state(graph, signature, nodes)
    _take_state(signature, inputs, nodes, list(placeholders.values())[-1])
    args, kwargs = program.example_inputs or ((), {})
    return ExportedProgram(
        root=copied.graph_module,
        graph=graph,
        graph_signature=signature,
        state_dict=program.state_dict,
        range_constraints=program.range_constraints,
        module_call_graph=_calls_with_state(program, argument, initial),
        example_inputs=(args, {**kwargs, argument: initial}),
        constants=program.constants,
        verifiers=program.verifiers,
    )


def _take_state(signature: Any, inputs: dict[str, InputSpec], nodes: dict[str, Node], last: Node):
    """Behind all other inputs."""
    for name, node in nodes.items():
        signature.input_specs.remove(inputs[name])
        signature.input_specs.append(
            InputSpec(InputKind.USER_INPUT, TensorArgument(node.name), None)
        )
        if node is not last:
            last.append(node)
            last = node


def _return_state(graph: Graph, signature: Any, nodes: dict[str, Node]) -> None:
    """Behind all other outputs. Where the program writes in place, what went in is what comes out;
    otherwise it tells the new value."""
    (output,) = (node for node in graph.nodes if node.op == "output")
    values = list(output.args[0])
    kept, new = [], dict(nodes)
    for spec, value in zip(signature.output_specs, values):
        if spec.kind is OutputKind.BUFFER_MUTATION and spec.target in nodes:
            new[spec.target] = value
        else:
            kept.append((spec, value))
    kept += [
        (OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(node.name), None), node)
        for node in new.values()
    ]
    signature.output_specs[:] = [spec for spec, _ in kept]
    output.args = (tuple(value for _, value in kept),)


def _calls_with_state(program: ExportedProgram, argument: str, initial: dict[str, Any]) -> list:
    """The module's own entry comes first: its signature is the program's."""
    whole, *others = program.module_call_graph
    args, kwargs = _structure(program.call_spec.in_spec)
    taken = (args, {**kwargs, argument: dict.fromkeys(initial, 0)})
    given = (_structure(program.call_spec.out_spec), dict.fromkeys(initial, 0))
    signature = dataclasses.replace(
        whole.signature,
        in_spec=pytree.tree_structure(taken),
        out_spec=pytree.tree_structure(given),
        forward_arg_names=None,
    )
    return [dataclasses.replace(whole, signature=signature), *others]


def _structure(spec: pytree.TreeSpec) -> Any:
    return pytree.tree_unflatten([0] * spec.num_leaves, spec)
