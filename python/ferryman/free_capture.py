"""Capture with sizes that are free.

    program = capture_free((module, args, kwargs), {"x": {0: "batch"}}, export)

Every axis goes to torch as Dim.AUTO, which takes most models; what the user asked for beyond that
is said to torch while the model runs (`_related`), and what torch found out is looked through
afterwards (free_findings.py): a size that it fixed, or tied to another, is an error. First torch
takes sizes as it takes those that are only known at run time, which leaves the fewest conditions;
then as it does otherwise.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch.export import Dim, ExportedProgram
from torch.utils import _pytree as pytree

from .arguments import Arguments
from .asked_sizes import all_resized, extents, is_plain, numbers_of, to_capture
from .dynamic_shapes import Asked, FreeAxis
from .errors import CaptureError, InputError
from .free_findings import Findings
from .free_functions import open_functions
from .free_recurrent import has_layers, name_layers, whole_layers
from .guard_places import watched_places
from .leaves import names_of_leaves
from .size_expressions import evaluate, names_in
from .size_oblivious import size_oblivious
from .size_trials import Trials

# (module, args, kwargs, dynamic_shapes as torch takes it) -> program; CaptureError
Export = Callable[[Any, tuple, dict[str, Any], Any], ExportedProgram]


def capture_free(given: tuple, dynamic_shapes: Any, export: Export) -> ExportedProgram:
    module, args, kwargs = given
    call = _Call.of(module, args, kwargs, dynamic_shapes)
    if not call.asked.axes:
        return export(module, args, kwargs, None)
    failures: list[Exception] = []
    for numbers in to_capture(call.asked, call.numbers):
        for way in _ways(module):
            try:
                return _captured(call, numbers, way, export)
            except (CaptureError, InputError, _NotFree) as error:
                failures.append(_of_other_numbers(error, numbers, call.numbers))
    # What the sizes are about says more than what stopped torch.
    told = [error for error in failures if isinstance(error, _NotFree)]
    raise told[0].told() if told else failures[0]


class _NotFree(Exception):
    def __init__(self, findings: Findings, run: Callable[[], Any]):
        super().__init__()
        self._findings, self._run = findings, run

    def told(self) -> CaptureError:
        """With lines, for which the model is captured once more."""
        return self._findings.error(watched_places(self._run))


def _of_other_numbers(error: Exception, numbers, example) -> Exception:
    """Says so where torch got other sizes than those of the example."""
    other = [f"{name} = {number}" for name, number in numbers.items() if number != example[name]]
    if other and isinstance(error, (CaptureError, InputError)):
        note = f"it was captured with {', '.join(other)}: sizes of 1, and equal ones, are special"
        error.hint = f"{error.hint}\n{note}" if error.hint else note
    return error


@dataclasses.dataclass(frozen=True)
class _Way:
    is_oblivious: bool  # size_oblivious.py
    is_helped: bool  # free_recurrent.py, free_functions.py

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        with (
            size_oblivious() if self.is_oblivious else contextlib.nullcontext(),
            whole_layers() if self.is_helped else contextlib.nullcontext(),
            open_functions() if self.is_helped else contextlib.nullcontext(),
        ):
            yield


def _ways(module: Any) -> list[_Way]:
    """Help comes as a mode of torch functions, in which torch.cond cannot be captured."""
    kinds = (True, False) if has_layers(module) else (False, True)
    return [_Way(is_oblivious, is_helped) for is_oblivious in (True, False) for is_helped in kinds]


@dataclasses.dataclass(frozen=True)
class _Call:
    """A module, the user's example for it, and what is free in it."""

    module: Any
    args: tuple
    kwargs: dict[str, Any]
    arguments: Arguments
    asked: Asked
    numbers: dict[str, int]  # of the example

    @staticmethod
    def of(module, args, kwargs, dynamic_shapes: Any) -> _Call:
        signature = inspect.signature(module.forward)
        asked = Asked.of(signature, args, kwargs, dynamic_shapes)
        arguments = Arguments.of_example(args, kwargs, signature)
        return _Call(module, args, kwargs, arguments, asked, numbers_of(asked))

    @property
    def leaves(self) -> list[Any]:
        return pytree.tree_leaves((tuple(self.args), self.kwargs))

    def resized(self, wanted: Mapping[str, Mapping[int, int]]) -> tuple[tuple, dict[str, Any]]:
        """The example with these sizes, by input and axis."""
        leaves = all_resized(self.leaves, self.arguments.names, wanted)
        return self.arguments.unflatten(leaves)

    def alone(self, name: str) -> FreeAxis | None:
        """The first axis that has this name for its size."""
        return next((axis for axis in self.asked.axes if axis.size == name), None)


def _captured(
    call: _Call, numbers: Mapping[str, int], way: _Way, export: Export
) -> ExportedProgram:
    args, kwargs = call.resized(extents(call.asked, numbers))
    shapes = _for_torch(call, args, kwargs)

    def run() -> ExportedProgram:
        with way.taken(), _related(call):
            return export(call.module, args, kwargs, shapes)

    program = run()
    if way.is_helped:
        name_layers(program)
    program.example_inputs = (tuple(call.args), call.kwargs)
    findings = Findings(program, call.asked, call.arguments, numbers)
    if findings.problems:
        raise _NotFree(findings, run)

    def resized(numbers: Mapping[str, int]) -> tuple[tuple, dict[str, Any]]:
        return call.resized(findings.extents(numbers))

    findings.name_sizes(Trials(program, call.module, resized))
    if findings.problems:
        raise _NotFree(findings, run)
    return program


# Torch's side ------------------------------------------------------------------------------------


def _for_torch(call: _Call, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """dynamic_shapes by parameter, with the structure of the arguments."""
    signature = inspect.signature(call.module.forward)
    shapes = {}
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        leaves, spec = pytree.tree_flatten(value)
        said = [
            {axis: _dim(call, free) for axis, free in call.asked.of_input(path).items()} or None
            for path in names_of_leaves(spec, name)
        ]
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD and said:
            raise InputError(
                f"forward takes inputs as **{name}, and sizes are free",
                why="torch.export has no names for them then",
                hint="give them parameters of their own in forward",
            )
        shapes[name] = _as_torch_has(spec, said) if any(said) else None
    return shapes


def _as_torch_has(spec: pytree.TreeSpec, said: list[Any]) -> Any:
    """In the structure of an argument; objects that are taken apart are lists of their parts."""
    if spec.is_leaf():
        return said[0]
    parts, start = [], 0
    for child in spec.children():
        parts.append(_as_torch_has(child, said[start : start + child.num_leaves]))
        start += child.num_leaves
    if spec.type not in pytree.BUILTIN_TYPES:
        return parts
    level = pytree.tree_structure([None] * len(parts)).children()  # leaves
    return pytree.tree_unflatten(parts, pytree.TreeSpec(spec.type, spec.context, level))


def _dim(call: _Call, axis: FreeAxis) -> Any:
    names = names_in(axis.size) if axis.size else set()
    rootless = [name for name in names if call.alone(name) is None]
    if rootless:
        return _derived(call, axis, rootless)
    low, high = axis.low, axis.high
    if is_plain(axis):
        given = call.asked.names[axis.size]
        low, high = given.low, given.high
    return Dim.AUTO if low is None and high is None else Dim.AUTO(min=low, max=high)


def _derived(call: _Call, axis: FreeAxis, rootless: list[str]) -> Any:
    """2 * n + 1 where no axis is n: torch takes multiples and sums of one name."""
    if len(names_in(axis.size)) == 1:
        (name,) = rootless
        start, *steps = [evaluate(axis.size, {name: n}) for n in range(4)]
        factor = steps[0] - start
        if factor > 0 and all(step == start + factor * (i + 1) for i, step in enumerate(steps)):
            return factor * _dim_of(name, call.asked.names[name]) + start
    raise InputError(
        f"the size {axis.size} of {axis} is of names that no axis has by itself",
        hint=f"give an axis the size '{rootless[0]}', or this one a name of its own",
    )


@functools.lru_cache(maxsize=256)
def _dim_of(name: str, given) -> Dim:
    """One object for one name, as torch wants it."""
    return Dim(name, min=given.low, max=given.high)


@contextlib.contextmanager
def _related(call: _Call) -> Iterator[None]:
    """Tells torch which sizes are equal, or follow from others, as soon as it begins to run the
    model: it then has one symbol for them."""
    relations = [
        (axis, {name: root for name in names_in(axis.size) if (root := call.alone(name))})
        for axis in call.asked.axes
        if axis.size
    ]
    relations = [
        (axis, roots)
        for axis, roots in relations
        if roots and axis not in roots.values() and roots.keys() == names_in(axis.size)
    ]
    if not relations:
        yield
        return
    places = {name: leaf for leaf, name in enumerate(call.arguments.names)}

    def relate(module, args, kwargs) -> None:
        leaves = pytree.tree_leaves((args, kwargs))
        for axis, roots in relations:
            sizes = {n: leaves[places[root.input]].shape[root.axis] for n, root in roots.items()}
            torch._check(leaves[places[axis.input]].shape[axis.axis] == evaluate(axis.size, sizes))

    handle = call.module.register_forward_pre_hook(relate, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
