"""What the examples share: convert a module, compare it with PyTorch, say what it became.

    model = carry(net, [(x,), (other_x,)])       # the first inputs are the conversion's example
    claim("one operator", operators(model) == {"CONV_2D": 1})

A result beyond the tolerance, or a claim that does not hold, ends the program with status 1.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

import ferryman
from ferryman.ports import TensorPort

TOLERANCE = 1e-4  # of the largest value of an output, or of 1 where that is less

_MOST_SHOWN = 4  # transposes with their reasons

Inputs = Sequence[Any] | Mapping[str, Any]  # by position, or by name


def carry(
    module: nn.Module | Callable, inputs: Sequence[Inputs], *, tolerance=TOLERANCE, **options
) -> ferryman.Model:
    """Converts with the first inputs, and compares on all of them. options: as ferryman.convert."""
    if isinstance(module, nn.Module):
        module.eval()
    args, kwargs = _arguments(inputs[0])
    model = ferryman.convert(module, args, kwargs, progress=False, **options)
    describe(model)
    worst = [
        compare(in_order_of(model.outputs, _call(module, each)), _call(model, given), tolerance)
        for each in inputs
        for given in [in_order_of(model.inputs, each)]
    ]
    print(f"worst difference on {len(worst)} inputs: {max(worst):.1e}")
    return model


def describe(model: ferryman.Model) -> None:
    """Operators by name, transposes with their reasons, statements that capture wrote anew."""
    print(f"{model.path.suffix}: {', '.join(f'{n} {op}' for op, n in operators(model).items())}")
    layout = model.report.native.layout
    for transpose in layout.transposes[:_MOST_SHOWN]:
        print(f"transpose of {transpose.bytes} bytes: {transpose.reason}")
    if len(layout.transposes) > _MOST_SHOWN:
        print(f"and {len(layout.transposes) - _MOST_SHOWN} more transposes")
    if layout.optimal:
        print("no other order of axes moves fewer bytes")
    for remark in model.report.remarks:
        if remark["subject"] == "rewritten":
            places = [f"{place['what']} in line {place['line']}" for place in remark["places"]]
            print(f"{remark['what']}: {', '.join(places)}")


def operators(model: ferryman.Model) -> dict[str, int]:
    """How often the file has each operator."""
    return dict(model.report.native.ops)


def num_transposes(model: ferryman.Model) -> int:
    return operators(model).get("TRANSPOSE", 0)


def in_order_of(ports: Sequence[TensorPort], values: Any) -> Any:
    """The values with the axes of each tensor as its port has them."""
    if all(port.layout == "channels_first" for port in ports):
        return values
    leaves, structure = pytree.tree_flatten(values)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
    for i, port in zip(places, ports, strict=True):
        leaves[i] = leaves[i].permute(_order(port.layout, leaves[i].dim()))
    return pytree.tree_unflatten(leaves, structure)


def _order(layout: str, rank: int) -> list[int]:
    """PyTorch's axes, outermost first."""
    if layout == "channels_first":
        return list(range(rank))
    if layout == "channels_last":
        return [0, *range(2, rank), 1]
    claim("each output's axes are in one piece", layout != "any", quiet=True)
    return [int(axis) for axis in layout.split(",")]


def compare(expected: Any, got: Any, tolerance: float = TOLERANCE) -> float:
    """The worst difference of two results of one structure, relative to the largest value of an
    output. Whole numbers and bools have to be equal, NaN and infinities at the same places."""
    wanted, found = pytree.tree_leaves(expected), pytree.tree_leaves(got)
    claim("as many outputs", len(wanted) == len(found), quiet=True)
    return max(map(lambda pair: _difference(*pair, tolerance), zip(wanted, found)), default=0.0)


def claim(what: str, holds: bool, *, quiet: bool = False) -> None:
    """Says so, or ends the program."""
    if not holds:
        raise SystemExit(f"NOT SO: {what}")
    if not quiet:
        print(f"as claimed: {what}")


def _arguments(inputs: Inputs) -> tuple[tuple, dict]:
    return ((), dict(inputs)) if isinstance(inputs, Mapping) else (tuple(inputs), {})


def _call(model: Callable, inputs: Inputs) -> Any:
    """On copies, since a module may write to its inputs."""
    args, kwargs = copy.deepcopy(_arguments(inputs))
    with torch.no_grad():
        return model(*args, **kwargs)


def _difference(expected: Any, got: Any, tolerance: float) -> float:
    if not isinstance(expected, torch.Tensor):
        claim(f"{got} is {expected}", got == expected, quiet=True)
        return 0.0
    got = torch.as_tensor(got)
    shapes = f"{list(got.shape)} {got.dtype} is {list(expected.shape)} {expected.dtype}"
    claim(shapes, (got.shape, got.dtype) == (expected.shape, expected.dtype), quiet=True)
    if not (expected.is_floating_point() or expected.is_complex()):
        claim("whole numbers are equal", torch.equal(got, expected), quiet=True)
        return 0.0
    same = (expected == got) | (expected.isnan() & got.isnan())  # infinities among them
    far = torch.where(same, 0.0, (expected - got).abs().double())
    if far.numel() == 0:
        return 0.0
    finite = expected[expected.isfinite()].abs()
    largest = max(1.0, float(finite.max()) if finite.numel() else 1.0)
    worst = float(far.max()) / largest
    claim(f"a difference of {worst:.1e} is within {tolerance}", worst <= tolerance, quiet=True)
    return worst
