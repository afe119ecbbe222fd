"""Operators of a program that converters stand for, however the model spells their calls.

    done = replaced(program, conversions)
    done.program, done.used
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg
from torch.utils import _pytree as pytree

from ..bodies import all_bodies
from ..decompose import is_operand, put_in
from ..eager import run_program, undisturbed
from ..errors import CaptureError
from ..scopes import Scope, copy_program, scopes
from .bodies import Duty, versions_of
from .calls import Call, Place
from .marks import mark, marks_of
from .registry import Conversions, Converter
from .subjects import Kind


@dataclasses.dataclass
class Replaced:
    program: ExportedProgram
    used: set[Converter] = dataclasses.field(default_factory=set)


def replaced(
    program: ExportedProgram, conversions: Conversions, run: Callable[[Call], Any]
) -> Replaced:
    """run: computes the body of a converter for a call."""
    done = Replaced(program)
    if not conversions.has_operators:
        return done
    if not any(_matches(scope, conversions) for scope in scopes(program)):
        return done
    done.program = copy_program(program)
    for scope in scopes(done.program):
        while found := _matches(scope, conversions):
            for node, converter in found:
                done.used.add(converter)
                _replace(scope, node, converter, run)
    for scope in scopes(done.program):
        scope.graph.lint()
        scope.module.recompile()
    return done


def _matches(scope: Scope, conversions: Conversions) -> list[tuple[Node, Converter]]:
    """Those that converters stand for, but where they stand in the body of that one."""
    found = []
    for node in scope.graph.nodes:
        if node.op != "call_function" or not isinstance(node.target, OpOverload):
            continue
        converter = conversions.of_operator(node.target)
        marks = marks_of(node)
        if converter is None or marks[-1:] == [str(converter)]:
            continue
        if str(converter) in marks:
            raise _circle(node, marks)
        found.append((node, converter))
    return found


def _circle(node: Node, marks: list[str]) -> CaptureError:
    return CaptureError(
        "converters call each other in a circle: " + ", ".join(marks),
        where=str(place_of(node)),
        why="each computes with what the other stands for, so neither ever ends",
        hint="write one of them with simpler operations",
    )


def place_of(node: Node) -> Place:
    modules = list((node.meta.get("nn_module_stack") or {"": ("", "")}).values())
    path, kind = modules[-1]
    kind = kind if isinstance(kind, str) else kind.__qualname__
    file, line = "", 0
    for text in (node.meta.get("stack_trace") or "").splitlines():
        if text.strip().startswith('File "') and '"<eval_with_key>' not in text:
            file, _, rest = text.strip().removeprefix('File "').partition('", line ')
            number = rest.partition(",")[0]
            line = int(number) if number.isdecimal() else 0
    return Place(path, kind.rpartition(".")[2], file, line)


def _replace(
    scope: Scope, node: Node, converter: Converter, run: Callable[[Call], Any]
) -> None:
    leaves, spec = pytree.tree_flatten((node.args, node.kwargs))
    operands = [leaf for leaf in leaves if is_operand(leaf)]
    if any(isinstance(leaf, Node) and not is_operand(leaf) for leaf in leaves):
        raise CaptureError(
            f"the converter {converter} cannot stand for {node.target} here",
            where=str(place_of(node)),
            why="one of its arguments is a number that is only known at run time",
        )
    values = [operand.meta["val"] for operand in operands]

    def call_of(tensors: Any) -> Call:
        given = iter(tensors)
        args, kwargs = pytree.tree_unflatten(
            [next(given) if is_operand(leaf) else leaf for leaf in leaves], spec
        )
        return _call(node, converter, args, kwargs)

    duty = _duty(call_of(values))

    def body(*tensors):
        call = call_of(tensors)
        given = call.leaves
        before = versions_of(given)
        result = run(call)
        duty.require(call, pytree.tree_leaves(result))
        return duty.kept(call, given, before, result)

    traced = _traced(node, converter, body, values)
    for inner in put_in(scope, node, traced, operands):
        mark(inner, str(converter), is_inside=True)


def _call(node: Node, converter: Converter, args: tuple, kwargs: dict[str, Any]) -> Call:
    name = str(node.target)
    return Call(converter, name, _with_signature(node.target), args, kwargs, place_of(node))


def _with_signature(operator: OpOverload) -> Callable:
    """Defaults stand in the schema."""

    def call(*args, **kwargs):
        return operator(*args, **kwargs)

    call.__signature__ = inspect.Signature(
        [
            inspect.Parameter(
                argument.name,
                inspect.Parameter.KEYWORD_ONLY
                if argument.kwarg_only
                else inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=argument.default_value
                if argument.has_default_value()
                else inspect.Parameter.empty,
            )
            for argument in operator._schema.arguments
        ]
    )
    return call


def _duty(call: Call) -> Duty:
    """On tensors without values."""
    leaves = call.leaves
    mode = torch._guards.detect_fake_mode(leaves)
    with mode, undisturbed():
        copies = pytree.tree_map_only(torch.Tensor, lambda t: t.clone(), (call.args, call.kwargs))
        copied = dataclasses.replace(call, args=copies[0], kwargs=copies[1])
        leaves = copied.leaves
        versions = versions_of(leaves)
        return Duty.of(leaves, versions, copied.run())


def _traced(node: Node, converter: Converter, body: Callable, values: list[Any]) -> GraphModule:
    mode = torch._guards.detect_fake_mode(values)
    if mode is None:
        raise CaptureError(
            f"the converter {converter} cannot stand for {node.target} here",
            where=str(place_of(node)),
            why="the program does not say of which shapes its arguments are",
        )
    with mode, torch.no_grad():
        return make_fx(body, pre_dispatch=True)(*values)


def require_equal(
    program: ExportedProgram,
    conversions: Conversions,
    run: Callable[[Call], Any],
    compare: Callable[[Call, Any, Any], None],
) -> None:
    """Runs the program as it was captured on its example, and each body beside the operator that
    it stands for; compare(call, expected, got)."""
    args, kwargs = program.example_inputs
    leaves = pytree.tree_leaves((args, kwargs))
    run_program(program, leaves, None, _Comparing(conversions, run, compare))


class _Comparing:
    """Looks on, and changes nothing (eager.Steer)."""

    def __init__(self, conversions: Conversions, run: Callable, compare: Callable):
        self._conversions, self._run, self._compare = conversions, run, compare

    def prepare(self, node: Node, value_of: Callable[[Node], Any]) -> Call | None:
        converter = None
        if isinstance(node.target, OpOverload):
            converter = self._conversions.of_operator(node.target)
        if converter is None:
            return None
        args, kwargs = map_arg((node.args, node.kwargs), value_of)
        args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, (args, kwargs))
        return _call(node, converter, args, kwargs)

    def settle(self, node: Node, call: Call, value: Any) -> None:
        self._compare(call, value, self._run(call))


def require_outside_of_bodies(program: ExportedProgram, conversions: Conversions) -> None:
    """torch traces the functions of torch.cond and its like by itself, and tells nobody of what
    they call: CaptureError where a converter would have to stand for a function there."""
    names = {getattr(key, "__name__", "") for key in conversions.keys(Kind.FUNCTION)}
    for body in all_bodies(program.graph_module):
        for node in body.module.graph.nodes:
            called = (node.meta.get("torch_fn") or ("", ""))[1].rpartition(".")[2]
            if called in names and not marks_of(node):
                raise CaptureError(
                    f"a converter stands for {called}, which the function of a "
                    f"{body.node.target.__name__} calls",
                    where=str(place_of(node)),
                    why="PyTorch traces that function by itself, and does not tell of its calls",
                    hint=f'write the converter for the operator: "{node.target._schema.name}"',
                )
