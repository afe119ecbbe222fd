"""TFLite's operators as torch operators: torch.ops.ferryman.tfl_mul and so on.

    row = ROWS["MUL"]
    y = OVERLOADS["MUL"](x0, x1, elementwise=True, fused_activation_function="RELU")

All that the core can name are registered when this module is imported, from the core's own table.
In eager mode an operator runs on LiteRT, as a file of that operator alone; of fake tensors the core
tells the results (shapes.py). Gradients end here.

Operands are x0, x1, …, or one list `x` where there may be any number. Those that are whole numbers
stand in `constants`, by place, as JSON: '{"1": [1, 2]}'.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from .. import _native
from ..errors import InputError
from ..runtime import Kernels, Runner
from .shapes import Results, infer

_MAX_RUNNERS = 128
# An operand of whole numbers up to this size may be a shape or a list of axes.
_MAX_NUMBERS = 64


@dataclasses.dataclass(frozen=True)
class Option:
    name: str
    type: str  # "bool", "int", "float", "str", "int[]", "float[]"
    default: Any
    words: tuple[str, ...] = ()  # all that a text may be; empty: anything


@dataclasses.dataclass(frozen=True)
class Row:
    """One operator."""

    name: str  # "CONV_2D"
    op: str  # "tfl_conv_2d"
    min_inputs: int
    max_inputs: int  # -1: any number
    num_outputs: int  # -1: any number
    is_pointwise: bool
    options: tuple[Option, ...]

    @property
    def is_variadic(self) -> bool:
        return self.max_inputs < 0


def _rows() -> dict[str, Row]:
    table = {}
    for entry in json.loads(_native.tflite_operators()):
        options = entry.pop("options")
        for option in options:
            option["words"] = tuple(option["words"])
        row = Row(**entry, options=tuple(Option(**option) for option in options))
        table[row.name] = row
    return table


# By name. Dictionaries and not functions: torch traces the bodies of branches with dynamo, which
# looks things up, and calls nothing of the native module.
ROWS = _rows()


# Running -----------------------------------------------------------------------------------------


def native_result(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except _native.NativeError as error:
        said = json.loads(str(error))["diagnostics"][0]
        raise InputError(said["what"], why=said["why"], hint=said["hint"]) from None


def code_of(op: str, arguments: dict[str, Any]) -> str:
    """As the core reads it (src/ops/foreign/foreign.h)."""
    return json.dumps({"op": op, "arguments": arguments}, sort_keys=True)


@functools.lru_cache(maxsize=4096)
def results_of(code: str, operands: str) -> Results:
    """(dtype, shape) of each result; InputError if the operands do not fit."""
    told = json.loads(native_result(lambda: _native.tflite_outputs(code, operands)))
    return tuple((result["dtype"], tuple(result["shape"])) for result in told)


@functools.lru_cache(maxsize=_MAX_RUNNERS)
def _runner(code: str, operands: str) -> Runner:
    file = native_result(lambda: _native.tflite_operator_file(code, operands))
    return Runner(file, Kernels.PLAIN)


_running = threading.Lock()  # an interpreter serves one call at a time


def _described(tensor: torch.Tensor | None, with_numbers: bool) -> dict[str, Any] | None:
    if tensor is None:
        return None
    described = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}
    if with_numbers and _may_be_numbers(tensor):
        described["constant"] = tensor.flatten().tolist()
    return described


def _may_be_numbers(tensor: torch.Tensor | None) -> bool:
    is_whole = tensor is not None and tensor.dtype in (torch.int32, torch.int64)
    return is_whole and tensor.numel() <= _MAX_NUMBERS


def _run(op: str, operands: Sequence[torch.Tensor | None], arguments: dict[str, Any]) -> list:
    """On LiteRT. float64 comes from the check of rounding alone (eager.run_float64), and runs in
    float32: no kernel takes it."""
    there = [x for x in operands if x is not None]
    wide = any(x.dtype is torch.float64 for x in there)
    device = there[0].device if there else "cpu"
    results = _run_narrow(code_of(op, arguments), [_narrow(x) for x in operands])
    return [(_widen(result) if wide else result).to(device) for result in results]


def _narrow(x: torch.Tensor | None) -> torch.Tensor | None:
    if x is None:
        return None
    x = x.detach().cpu()
    return x.float() if x.dtype is torch.float64 else x


def _widen(x: torch.Tensor) -> torch.Tensor:
    return x.double() if x.dtype is torch.float32 else x


def _run_narrow(code: str, operands: list[torch.Tensor | None]) -> list[torch.Tensor]:
    with _running:
        try:
            return _run_described(code, operands, with_numbers=False)
        except InputError:
            if not any(map(_may_be_numbers, operands)):
                raise
        # Some want axes and shapes to be constants.
        return _run_described(code, operands, with_numbers=True)


def _run_described(code, operands, *, with_numbers: bool) -> list[torch.Tensor]:
    described = [_described(x, with_numbers) for x in operands]
    runner = _runner(code, json.dumps(described))
    inputs = [
        x.contiguous().numpy()
        for x, words in zip(operands, described)
        if words is not None and "constant" not in words
    ]
    return [torch.from_numpy(np.array(result)) for result in runner.run(inputs)]


# Registering -------------------------------------------------------------------------------------


def _schema(row: Row) -> str:
    if row.is_variadic:
        operands = ["Tensor[] x"]
    else:
        operands = [f"Tensor? x{i}=None" for i in range(row.max_inputs)]
    keywords = ['str constants="{}"', "bool elementwise=False"]
    keywords += [f"{option.type} {option.name}={_default(option)}" for option in row.options]
    several = "Tensor[]" if row.num_outputs < 0 else f"({', '.join(['Tensor'] * row.num_outputs)})"
    result = "Tensor" if row.num_outputs == 1 else several
    return f"{row.op}({', '.join(operands)}, *, {', '.join(keywords)}) -> {result}"


def _default(option: Option) -> str:
    return json.dumps(option.default) if option.type == "str" else repr(option.default)


def _operands(row: Row, args: tuple) -> list[torch.Tensor | None]:
    operands = list(args[0]) if row.is_variadic else list(args)
    while operands and operands[-1] is None:
        operands.pop()
    return operands


def _arguments(keywords: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if name != "elementwise"}


def _result(row: Row, results: list[torch.Tensor]) -> Any:
    if row.num_outputs == 1:
        return results[0]
    return results if row.num_outputs < 0 else tuple(results)


def _eager(row: Row) -> Callable:
    def run(*args, **keywords):
        return _result(row, _run(row.op, _operands(row, args), _arguments(keywords)))

    return run


def _fake(row: Row) -> Callable:
    def fake(*args, **keywords):
        operands, code = _operands(row, args), code_of(row.op, _arguments(keywords))
        return _result(row, infer(operands, lambda described: results_of(code, described)))

    return fake


class _Library:
    """Of the namespace `ferryman`, in which other modules have operators, too."""

    def __init__(self):
        self._library = torch.library.Library("ferryman", "FRAGMENT")

    def add(self, schema: str, eager: Callable, fake: Callable) -> None:
        name = schema.partition("(")[0]
        self._library.define(schema, tags=(torch.Tag.pt2_compliant_tag,))
        self._library.impl(name, eager, "CompositeExplicitAutograd")
        self._library._register_fake(name, fake)


LIBRARY = _Library()
for _row in ROWS.values():
    LIBRARY.add(_schema(_row), _eager(_row), _fake(_row))
OVERLOADS = {row.name: getattr(torch.ops.ferryman, row.op).default for row in ROWS.values()}
