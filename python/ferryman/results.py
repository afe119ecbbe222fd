"""What forward returns, made again from the outputs of the program.

results = Results.of(program)
results.unflatten({0: array})       # the structure that forward returned, constants put back
"""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument
from torch.fx import Node
from torch.utils import _pytree as pytree

from .leaves import outline

_NUMBERS = {torch.SymFloat: float, torch.SymInt: int, torch.SymBool: bool}


class Results:
    """
    constants: outputs that are no tensors, by index: numbers, strings, None.
    outlines: of the outputs that are, as the program gives them; the file's type may be wider.
    numbers: what makes the Python number of an output that is one: float, int or bool.
    """

    def __init__(
        self,
        spec: pytree.TreeSpec,
        constants: dict[int, Any],
        outlines: dict[int, torch.Tensor],
        numbers: dict[int, type],
    ):
        self._spec = spec
        self._constants = constants
        self.outlines = outlines
        self._numbers = numbers

    @staticmethod
    def of(program: ExportedProgram) -> Results:
        outputs = [
            spec for spec in program.graph_signature.output_specs if spec.kind.name == "USER_OUTPUT"
        ]
        constants = {
            index: spec.arg.value
            for index, spec in enumerate(outputs)
            if isinstance(spec.arg, ConstantArgument)
        }
        results = program.graph.output_node().args[0][-len(outputs) :] if outputs else ()
        values = [node.meta.get("val") if isinstance(node, Node) else None for node in results]
        outlines = {
            index: outline(value)
            for index, value in enumerate(values)
            if isinstance(value, torch.Tensor)
        }
        numbers = {
            index: _NUMBERS[type(value)]
            for index, value in enumerate(values)
            if type(value) in _NUMBERS
        }
        return Results(program.call_spec.out_spec, constants, outlines, numbers)

    def unflatten(self, values: dict[int, Any]) -> Any:
        numbers = {index: number(values[index]) for index, number in self._numbers.items()}
        values = {**self._constants, **values, **numbers}
        return pytree.tree_unflatten([values[i] for i in range(self._spec.num_leaves)], self._spec)


def module_types(program: ExportedProgram) -> dict[str, str]:
    """The class of each module that the program's nodes lie in, by path; "" is the whole."""
    types: dict[str, str] = {}
    for node in program.graph.nodes:
        for path, kind in (node.meta.get("nn_module_stack") or {}).values():
            name = kind if isinstance(kind, str) else kind.__qualname__
            types.setdefault(path, name.rsplit(".", 1)[-1])
    return types
