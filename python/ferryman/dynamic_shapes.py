"""What a user says of sizes that are free, in any of torch.export's forms or in the short one.

    asked = Asked.of(signature, args, kwargs, {"x": {0: "batch", -1: "2 * n"}, "y": {1: Dim.AUTO}})
    asked.axes                      # (FreeAxis("x", 0, "batch"), …)
    asked.names                     # {"batch": Range(1, None)}

Parameters by name or position; structures as the arguments have them; for each tensor a dict by
axis, or a list with an entry for each axis; an axis is a text, a torch.export.Dim or an expression
of one, Dim.AUTO, Dim.DYNAMIC, Dim.STATIC, None, or a number. One InputError tells all that is
wrong.
"""

from __future__ import annotations

import dataclasses
import inspect
import keyword
from collections.abc import Mapping
from typing import Any

import torch
from torch.export import Dim
from torch.utils import _pytree as pytree

from .errors import InputError
from .leaves import describe, names_of_leaves
from .size_expressions import NoExpression, names_in

_RESERVED = {"max", "min"}  # functions in expressions
_HINT = '{"x": {0: "batch", 2: "height"}} names the axes of each input; equal names, equal sizes'


@dataclasses.dataclass(frozen=True)
class FreeAxis:
    """
    size: a name, an expression over names, or "": whatever torch finds out.
    low, high: bounds of a size without a name; None: none given.
    """

    input: str  # as the leaves are called: "x", "options['mask'][0]"
    axis: int
    extent: int  # of the example
    size: str = ""
    low: int | None = None
    high: int | None = None

    def __str__(self) -> str:
        name = f" ('{self.size}')" if self.size else ""
        return f"axis {self.axis}{name} of input '{self.input}'"


@dataclasses.dataclass(frozen=True)
class Range:
    """That the user gave; None: left open."""

    low: int | None = None
    high: int | None = None

    def has(self, number: int) -> bool:
        return (self.low or 1) <= number and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        return (
            f"{self.low or 1} or more" if self.high is None else f"{self.low or 1} to {self.high}"
        )


@dataclasses.dataclass(frozen=True)
class Asked:
    axes: tuple[FreeAxis, ...]
    names: dict[str, Range]

    @staticmethod
    def of(signature: inspect.Signature, args, kwargs: dict[str, Any], shapes: Any) -> Asked:
        if hasattr(shapes, "dynamic_shapes"):  # torch.export.ShapesCollection
            raise InputError(
                f"dynamic_shapes is {describe(shapes)}",
                hint="pass shapes.dynamic_shapes(module, args, kwargs), or " + _HINT,
            )
        reading = _Reading()
        reading.arguments(shapes, dict(signature.bind(*args, **kwargs).arguments), signature)
        if reading.problems:
            raise problems_error(reading.problems, "dynamic_shapes does not fit the inputs", _HINT)
        return Asked(tuple(reading.axes), reading.names)

    def of_input(self, name: str) -> dict[int, FreeAxis]:
        return {axis.axis: axis for axis in self.axes if axis.input == name}


def problems_error(problems: list[str], what: str, hint: str = "", kind: type = InputError):
    """One error for all of them."""
    problems = list(dict.fromkeys(problems))
    if len(problems) == 1:
        return kind(problems[0], hint=hint)
    return kind(f"{what}, in {len(problems)} places", why="\n".join(problems), hint=hint)


class _Reading:
    def __init__(self):
        self.axes: list[FreeAxis] = []
        self.names: dict[str, Range] = {}
        self.problems: list[str] = []

    # Structures -----------------------------------------------------------------------------------

    def arguments(self, shapes: Any, given: dict[str, Any], signature) -> None:
        """given: the arguments by parameter."""
        variable = [
            name
            for name, parameter in signature.parameters.items()
            if parameter.kind is inspect.Parameter.VAR_KEYWORD and name in given
        ]
        if isinstance(shapes, (list, tuple)):
            if len(shapes) > len(given):
                self.problems.append(
                    f"dynamic_shapes has {len(shapes)} entries, the model is called with "
                    f"{len(given)} arguments"
                )
                return
            shapes = dict(zip(given, shapes))
        if not isinstance(shapes, Mapping):
            self.problems.append(f"dynamic_shapes is {describe(shapes)}")
            return
        for name, entry in shapes.items():
            inner = [holder for holder in variable if name in given[holder]]
            if name in given:
                self._value(entry, given[name], str(name))
            elif inner:
                self._value(entry, given[inner[0]][name], f"{inner[0]}[{name!r}]")
            else:
                known = ", ".join(f"'{known}'" for known in given) or "none"
                self.problems.append(
                    f"dynamic_shapes names '{name}', which is no input of the call (its inputs: "
                    f"{known})"
                )

    def _value(self, entry: Any, value: Any, path: str) -> None:
        if entry is None:
            return
        if isinstance(value, torch.Tensor):
            self._tensor(entry, value, path)
            return
        children, spec = pytree.tree_flatten(value, is_leaf=lambda item: item is not value)
        if spec.is_leaf():
            self.problems.append(f"'{path}' is {describe(value)}: only tensors have sizes")
            return
        paths = names_of_leaves(spec, path)
        for position, inner in self._entries(entry, value, paths, path):
            self._value(inner, children[position], paths[position])

    def _entries(self, entry: Any, value: Any, paths: list[str], path: str):
        """(position among the children, what is said of it)."""
        if isinstance(value, Mapping) and isinstance(entry, Mapping):
            places = {key: f"{path}[{key!r}]" for key in entry}
        elif isinstance(entry, (list, tuple)) and len(entry) == len(paths):
            return list(enumerate(entry))
        elif isinstance(entry, Mapping) and all(isinstance(key, str) for key in entry):
            places = {key: f"{path}.{key}" for key in entry}  # fields of an object
        elif type(entry) is type(value):
            return list(enumerate(pytree.tree_leaves(entry, is_leaf=lambda i: i is not entry)))
        else:
            self.problems.append(
                f"dynamic_shapes says {describe(entry)} of '{path}', which is {describe(value)}"
            )
            return []
        unknown = [key for key, place in places.items() if place not in paths]
        self.problems += [
            f"dynamic_shapes names {key!r} in '{path}', which has no such entry" for key in unknown
        ]
        return [(paths.index(places[key]), entry[key]) for key in places if key not in unknown]

    # Tensors --------------------------------------------------------------------------------------

    def _tensor(self, entry: Any, tensor: torch.Tensor, path: str) -> None:
        rank = tensor.dim()
        if isinstance(entry, (list, tuple)):
            if len(entry) != rank:
                self.problems.append(
                    f"dynamic_shapes has {len(entry)} entries for '{path}', which has {rank} axes"
                )
                return
            entry = dict(enumerate(entry))
        if not isinstance(entry, Mapping):
            self.problems.append(f"dynamic_shapes says {describe(entry)} of the tensor '{path}'")
            return
        seen: set[int] = set()
        for axis, size in entry.items():
            if type(axis) is not int or not -rank <= axis < rank:
                self.problems.append(
                    f"dynamic_shapes names axis {axis!r} of '{path}', which has {rank} axes "
                    f"{list(tensor.shape)}"
                )
            elif axis % rank in seen:
                self.problems.append(f"dynamic_shapes names axis {axis % rank} of '{path}' twice")
            else:
                seen.add(axis % rank)
                self._axis(size, FreeAxis(path, axis % rank, tensor.shape[axis]))

    def _axis(self, size: Any, axis: FreeAxis) -> None:
        is_static = size is None or getattr(getattr(size, "type", None), "name", "") == "STATIC"
        if is_static:
            return
        if type(size) is int:
            if size != axis.extent:
                self.problems.append(f"{axis} is {axis.extent}, dynamic_shapes says {size}")
            return
        if isinstance(size, str):
            self._named(size.strip(), axis)
        elif isinstance(size, Dim):
            root = getattr(size, "root", size)
            self._name(root.__name__, _range(root.min, root.max))
            self._named(size.__name__, axis)
        elif hasattr(size, "type") and hasattr(size, "min"):  # Dim.AUTO, Dim.DYNAMIC
            given = _range(size.min, size.max)
            self._keep(dataclasses.replace(axis, low=given.low, high=given.high), given)
        else:
            self.problems.append(f"dynamic_shapes says {size!r} of {axis}")

    def _named(self, size: str, axis: FreeAxis) -> None:
        try:
            names = names_in(size)
        except NoExpression:
            names = set()
        wrong = {n for n in names if keyword.iskeyword(n) or n in _RESERVED or not n.isidentifier()}
        if not names or wrong:
            self.problems.append(
                f"dynamic_shapes says {size!r} of {axis}: write a name or an expression over names"
            )
            return
        for name in names:
            self.names.setdefault(name, Range())
        self._keep(dataclasses.replace(axis, size=size), Range())

    def _name(self, name: str, given: Range) -> None:
        known = self.names.setdefault(name, given)
        if known == Range():
            self.names[name] = given
        elif given not in (known, Range()):
            self.problems.append(f"'{name}' is {known} in one place, and {given} in another")

    def _keep(self, axis: FreeAxis, given: Range) -> None:
        if axis.extent == 0:
            self.problems.append(f"{axis} is empty in the example, and sizes begin at 1")
        elif not given.has(axis.extent):
            self.problems.append(f"{axis} is {axis.extent} in the example, outside of {given}")
        self.axes.append(axis)


def _range(low: Any, high: Any) -> Range:
    """0 is what torch has where the user said nothing, and so is infinity."""
    is_bounded = high is not None and str(high) not in ("int_oo", "oo")
    return Range(int(low) if low else None, int(high) if is_bounded else None)
