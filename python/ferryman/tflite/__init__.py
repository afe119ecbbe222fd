"""TFLite's operators by their names, in the body of a converter or anywhere in a model.

    @ferryman.converter("my::gate", target="tflite")
    def gate(x, y):
        return ferryman.tflite.op("MUL", x, ferryman.tflite.op("LOGISTIC", y))

    ferryman.tflite.op("CONV_2D", x, weight, bias, padding="SAME", axes="channels_last")
    ferryman.tflite.custom("MyOp", x, options={"scale": 2.0}, kernel=lambda x: 2 * x)
    ferryman.tflite.graph("part.tflite", x)

Each call is a torch operator (registered.py): it runs eagerly, is exported like any other, and
becomes that very operator of the file. docs/tflite_operators.md tells more.

`axes` says in which order of axes an operator sees its operands, which are PyTorch's tensors:
    "as_pytorch"      as they are: axis 1 of an image holds its channels.
    "channels_last"   of three axes and more, axis 1 comes last; so do the results, and go back.
    "along(d)"        axis d comes last, in all operands of as many axes as the first; an option
                      `axis` is set to it.
    "elementwise"     any order will do: each element of the results depends on one of each operand.
                      TFLite's own pointwise operators are known to be, whatever `axes` says.
Where memory lies so already, none of this costs a transposition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..errors import InputError
from .arguments import axes_of, constants_of, find_row, read_options, require_count
from .custom_operator import call_custom
from .finished_graph import Graph
from .registered import OVERLOADS, ROWS, Row

__all__ = ["custom", "graph", "op", "operators"]

Tensors = torch.Tensor | tuple[torch.Tensor, ...]


def op(name: str, *x: Any, axes: str = "as_pytorch", **options: Any) -> Tensors:
    """One of TFLite's operators.

    name: as the format spells it: "MUL", "CONV_2D".
    x: tensors, in the operator's order. Numbers and lists of them become constants; None is an
        operand that is left out.
    options: as the format spells them: stride_w=2, fused_activation_function="RELU"; those left out
        do nothing special (stride 1, no activation).

    Returns a tensor, or a tuple of them if the operator has several results.
    """
    row = find_row(name)
    order = axes_of(axes, x)
    if order.is_elementwise and not row.is_pointwise:
        raise InputError(
            f"{row.name} does not treat every element by itself",
            hint='leave axes="elementwise" out, or write axes="along(1)"',
        )
    if order.along is not None and any(option.name == "axis" for option in row.options):
        options["axis"] = order.last
    keywords = read_options(row, options)
    require_count(row, x)
    x, constants = constants_of(row, x)
    if constants:
        keywords["constants"] = constants
    if row.is_pointwise:
        return _results(row, x, {**keywords, "elementwise": True})
    return order.restore(_results(row, order.arrange(x), keywords))


def _results(row: Row, x: Sequence[torch.Tensor | None], keywords: dict[str, Any]) -> Tensors:
    call = OVERLOADS[row.name]
    results = call(x, **keywords) if row.is_variadic else call(*x, **keywords)
    return tuple(results) if isinstance(results, list) else results


def custom(
    name: str,
    *x: torch.Tensor | None,
    options: dict[str, Any] | bytes | None = None,
    like: Any = None,
    kernel: Callable[..., Any] | None = None,
    axes: str = "as_pytorch",
) -> Tensors:
    """An operator of the user's own runtime.

    options: a dict, which becomes a FlexBuffer map, or the bytes that the operator reads.
    like: a tensor, or a pair (shape, dtype), of which shape and type the result is; a list of them
        for several results. None: as the first operand.
    kernel: computes the same in PyTorch, from the tensors in `x` and in the order of axes that the
        operator sees. Without one the model runs in PyTorch up to here, so nothing can be checked.

    Returns a tensor, or a tuple of them if `like` is a list.
    """
    order = axes_of(axes, x)
    return call_custom(name, x, options, like, kernel, order)


def graph(path: Any, *x: torch.Tensor) -> Any:
    """A finished .tflite file: its main graph becomes a part of the model.

    Without tensors, a function that takes them: part = graph("part.tflite"); part(x). It sees
    operands and gives results in the order of axes that the file has.
    """
    part = Graph(path)
    return part(*x) if x else part


def operators() -> tuple[str, ...]:
    """The names that `op` takes."""
    return tuple(ROWS)
