"""The structure of a model's arguments and results: nested tuples, lists, dicts, dataclasses.

structure = Structure.of(program)
leaves = structure.flatten(args, kwargs)
result = structure.unflatten_output({0: array})
"""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument
from torch.fx import Node
from torch.utils import _pytree as pytree

from .errors import InputError


_NUMBERS = {torch.SymFloat: float, torch.SymInt: int, torch.SymBool: bool}


class Structure:
    """The structure of the arguments and of what forward returns.

    constants: outputs that are no tensors, by index: numbers, strings, None.
    dtypes: of the outputs that are, as the program gives them; the file's may be wider.
    numbers: what makes the Python number of an output that is one: float, int or bool.
    """

    def __init__(
        self,
        inputs: pytree.TreeSpec,
        outputs: pytree.TreeSpec,
        constants: dict[int, Any],
        dtypes: dict[int, torch.dtype],
        numbers: dict[int, type],
    ):
        self._inputs = inputs
        self._outputs = outputs
        self._constants = constants
        self.dtypes = dtypes
        self.numbers = numbers

    @staticmethod
    def of(program: ExportedProgram) -> Structure:
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
        dtypes = {
            index: value.dtype
            for index, value in enumerate(values)
            if isinstance(value, torch.Tensor)
        }
        numbers = {
            index: _NUMBERS[type(value)]
            for index, value in enumerate(values)
            if type(value) in _NUMBERS
        }
        spec = program.call_spec
        return Structure(spec.in_spec, spec.out_spec, constants, dtypes, numbers)

    def flatten(self, args: tuple, kwargs: dict[str, Any]) -> list[Any]:
        return flatten_like(self._inputs, args, kwargs)

    def unflatten_output(self, arrays: dict[int, Any]) -> Any:
        values = {**self._constants, **arrays}
        return pytree.tree_unflatten(
            [values[i] for i in range(self._outputs.num_leaves)], self._outputs
        )


def flatten_like(wanted: pytree.TreeSpec, args: tuple, kwargs: dict[str, Any]) -> list[Any]:
    """The leaves in the order of the program's user inputs, whatever the order of the keywords."""
    known = wanted.child(1).context
    if set(known) != set(kwargs):
        raise InputError(
            f"the keyword arguments are {sorted(kwargs)}, the model takes {sorted(known)}"
        )
    leaves, spec = pytree.tree_flatten((tuple(args), {key: kwargs[key] for key in known}))
    if spec != wanted:
        raise InputError(
            "the arguments have another structure than the example inputs",
            why=f"expected {wanted}\ngot {spec}",
        )
    return leaves


def module_types(program: ExportedProgram) -> dict[str, str]:
    """The class of each module that the program's nodes lie in, by path; "" is the whole."""
    types: dict[str, str] = {}
    for node in program.graph.nodes:
        for path, kind in (node.meta.get("nn_module_stack") or {}).values():
            name = kind if isinstance(kind, str) else kind.__qualname__
            types.setdefault(path, name.rsplit(".", 1)[-1])
    return types
