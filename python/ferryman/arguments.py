"""The arguments of a converted model: from what forward takes to the inputs of its program.

    arguments = Arguments.of_program(program, signature_of(module))
    leaves = arguments.flatten((x,), {"scale": 3.0})     # in the order of the program's inputs
    args, kwargs = arguments.unflatten(leaves)           # as in the example

What is no tensor has one value, the example's: it is a part of the program. Such an argument may be
left out, whatever forward's own default is; another value of it is an error.
"""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument
from torch.utils import _pytree as pytree

from .errors import InputError
from .leaves import describe, is_tensor, keys_of, leaves_like, names_of_leaves, other_value, outline

_Parameter = inspect.Parameter


class Arguments:
    """
    spec: the structure of the example's (args, kwargs).
    examples: its leaves: tensors, of which shape and type count, and the values that are frozen;
        `outlines` afterwards.
    signature: of forward; it has to take the example.
    defaults: of arguments that may be left out though tensors are in them.
    """

    def __init__(
        self,
        spec: pytree.TreeSpec,
        examples: Sequence[Any],
        signature: inspect.Signature,
        defaults: Mapping[str, Any] | None = None,
    ):
        self._spec = spec
        self._defaults = defaults or {}
        self._signature = signature
        self.outlines = list(examples)
        # By the name of the argument, in the order of the leaves.
        self._given: dict[str, tuple[pytree.TreeSpec, list[Any]]] = {}
        args, kwargs = _children(spec)
        places = range(len(args), len(args) + len(kwargs))
        slots = self._slots(range(len(args)), dict(zip(kwargs, places)))
        children = [*args, *kwargs.values()]
        start = 0
        for name, place in sorted(slots.items(), key=lambda item: item[1]):
            stop = start + children[place].num_leaves
            self._given[name] = (children[place], list(examples[start:stop]))
            start = stop

    @staticmethod
    def of_program(
        program: ExportedProgram,
        signature: inspect.Signature | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> Arguments:
        """Without a signature, arguments go by the names of the program's inputs."""
        inputs = [s for s in program.graph_signature.input_specs if s.kind.name == "USER_INPUT"]
        values = {
            node.name: node.meta.get("val")
            for node in program.graph.nodes
            if node.op == "placeholder"
        }
        examples = [
            spec.arg.value
            if isinstance(spec.arg, ConstantArgument)
            else outline(values[spec.arg.name])
            for spec in inputs
        ]
        spec = program.call_spec.in_spec
        if not _takes(signature, spec):
            signature = _signature_by_names(spec, [s.arg.name for s in inputs])
        return Arguments(spec, examples, signature, defaults)

    @staticmethod
    def of_example(
        args: Sequence[Any], kwargs: dict[str, Any], signature: inspect.Signature | None
    ) -> Arguments | None:
        """Before anything is captured; None where forward does not take them: capture tells."""
        if not isinstance(args, (tuple, list)) or not isinstance(kwargs, dict):
            return None
        examples, spec = pytree.tree_flatten((tuple(args), kwargs))
        return Arguments(spec, examples, signature) if _takes(signature, spec) else None

    def flatten(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        """The leaves in the order of the program's user inputs."""
        given = {**self._defaults, **self._slots(args, kwargs)}
        leaves: list[Any] = []
        for name, (spec, examples) in self._given.items():
            if name in given:
                leaves += leaves_like(spec, examples, given.pop(name), name)
            elif any(map(is_tensor, examples)):
                raise InputError(f"the argument '{name}' is missing", why=self._what_it_takes())
            else:
                leaves += examples
        for name, value in given.items():
            self._require_default(name, value)
        return leaves

    @property
    def signature(self) -> inspect.Signature:
        return self._signature

    @property
    def names(self) -> list[str]:
        """Of the leaves, in their order: "x", "options['mask']"."""
        return [
            name
            for argument, (spec, _) in self._given.items()
            for name in names_of_leaves(spec, argument)
        ]

    def unflatten(self, leaves: list[Any]) -> tuple[tuple, dict[str, Any]]:
        return pytree.tree_unflatten(leaves, self._spec)

    def require_tensors(self, leaves: list[Any]) -> None:
        """Tensors of the example's shapes and types, as PyTorch wants them."""
        examples = [example for _, given in self._given.values() for example in given]
        for name, example, value in zip(self.names, examples, leaves):
            if not isinstance(example, torch.Tensor):
                continue
            is_alike = (
                isinstance(value, torch.Tensor)
                and value.dtype is example.dtype
                and value.dim() == example.dim()
                # A symbol of the program stands for any size.
                and all(type(a) is not int or a == b for a, b in zip(example.shape, value.shape))
            )
            if not is_alike:
                raise InputError(
                    f"the argument '{name}' is {describe(value)}, the model takes "
                    f"{describe(example)}"
                )

    def _slots(self, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call by name: "x", "rest[0]", "options['size']"."""
        try:
            bound = self._signature.bind_partial(*args, **kwargs).arguments
        except TypeError as error:
            raise InputError(
                f"the arguments do not fit: {error}", why=self._what_it_takes()
            ) from None
        slots: dict[str, Any] = {}
        for name, value in bound.items():
            kind = self._signature.parameters[name].kind
            if kind is _Parameter.VAR_POSITIONAL:
                slots |= {f"{name}[{i}]": item for i, item in enumerate(value)}
            elif kind is _Parameter.VAR_KEYWORD:
                slots |= {f"{name}[{key!r}]": item for key, item in value.items()}
            else:
                slots[name] = value
        return slots

    def _what_it_takes(self) -> str:
        names = ", ".join(f"'{name}'" for name in self._given)
        return f"the model takes {names or 'no arguments'}"

    def _require_default(self, name: str, value: Any) -> None:
        """The example left this argument out: the program has forward's default for it."""
        parameter = self._signature.parameters.get(name)
        if parameter is None or parameter.default is _Parameter.empty:
            raise InputError(
                f"the example inputs at the conversion had no '{name}'",
                why=self._what_it_takes(),
                hint="convert with an example of it",
            )
        if value is parameter.default:
            return
        examples, spec = pytree.tree_flatten(parameter.default)
        if any(map(is_tensor, examples)):
            raise other_value(name, value, parameter.default)
        leaves_like(spec, examples, value, name)


def signature_of(function: Callable) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None  # a builtin


def _children(spec: pytree.TreeSpec) -> tuple[list[Any], dict[str, Any]]:
    """Of (args, kwargs): the structure of each argument."""
    by_position, by_keyword = spec.child(0), spec.child(1)
    return by_position.children(), dict(zip(keys_of(by_keyword), by_keyword.children()))


def _takes(signature: inspect.Signature | None, spec: pytree.TreeSpec) -> bool:
    args, kwargs = _children(spec)
    try:
        return signature is not None and signature.bind(*args, **kwargs) is not None
    except TypeError:
        return False


def _signature_by_names(spec: pytree.TreeSpec, inputs: list[str]) -> inspect.Signature:
    """Of a program, by the names of its inputs: "x", or "x_a_0" of x["a"][0]."""
    args, kwargs = _children(spec)
    parameters: list[_Parameter] = []
    start = 0
    for position, child in enumerate(args):
        name = _common_name(child, inputs[start : start + child.num_leaves])
        start += child.num_leaves
        taken = {*kwargs, *(parameter.name for parameter in parameters)}
        if not name.isidentifier() or keyword.iskeyword(name) or name in taken:
            name = f"argument_{position}"
        parameters.append(_Parameter(name, _Parameter.POSITIONAL_OR_KEYWORD))
    for key in kwargs:
        if key.isidentifier() and not keyword.iskeyword(key):
            parameters.append(_Parameter(key, _Parameter.KEYWORD_ONLY))
    if len(parameters) < len(args) + len(kwargs):
        parameters.append(_Parameter("options", _Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters)


def _common_name(spec: pytree.TreeSpec, inputs: list[str]) -> str:
    """torch names each input after the argument and the keys that lead to it."""
    if not inputs:
        return ""
    (first, *_) = names_of_leaves(spec, "")
    steps = "".join(letter if letter.isalnum() else " " for letter in first).split()
    ending = "".join(f"_{step.lower()}" for step in steps)
    return inputs[0].removesuffix(ending) if inputs[0] != ending else inputs[0]
