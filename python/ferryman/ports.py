"""What a converted model tells of its inputs and outputs.

tensor_port(port, outline)     # TensorPort(name="x", shape=(1, 8, 8, 3), layout="channels_last", …)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch

from .native_contract import Placement, Port


@dataclasses.dataclass(frozen=True)
class TensorPort:
    """An input or output as the file has it.

    dtype: as numpy calls it.
    layout: "channels_first", which is the order of PyTorch, "channels_last", another order of
        PyTorch's axes, outermost first ("1,2,0"), or "any" where axes lie in pieces.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    layout: str

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}{list(self.shape)}"


def tensor_port(port: Port, value: torch.Tensor | None) -> TensorPort:
    """value: of the shape that PyTorch has there; None for a number."""
    shape = () if value is None else tuple(value.shape)
    if any(type(size) is not int for size in shape):
        shape = port.shape  # counted while the file runs
    elif port.placement.part == "pair":
        shape = (*shape, 2)
    return TensorPort(port.name, port.shape, port.dtype, _layout(shape, port))


def _layout(shape: tuple[int, ...], port: Port) -> str:
    """The order of the axes of `shape` in the file; axes of one element may lie anywhere there."""
    rank = len(shape)
    same, last = tuple(range(rank)), (0, *range(2, rank), 1)
    found = _non_unit_order(shape, port.placement)
    if found is None:
        return "any"
    for order, name in ((same, "channels_first"), (last, "channels_last")):
        if rank < 3 and order is last:
            continue
        is_alike = [axis for axis in order if shape[axis] != 1] == found
        if is_alike and tuple(shape[axis] for axis in order) == port.shape:
            return name
    axes, units = iter(found), iter([axis for axis in same if shape[axis] == 1])
    order = [next(units if size == 1 else axes, None) for size in port.shape]
    return "any" if sorted(order, key=str) != sorted(same, key=str) else ",".join(map(str, order))


def _non_unit_order(shape: Sequence[int], placement: Placement) -> list[int] | None:
    """The axes that are longer than one, outermost first. None if some are split."""
    axes = [axis for axis, size in enumerate(shape) if size != 1]
    factors = [factor for factor, size in enumerate(placement.factors) if size != 1]
    if [placement.factors[factor] for factor in factors] != [shape[axis] for axis in axes]:
        return None
    axis_of = dict(zip(factors, axes))
    return [axis_of[factor] for factor in placement.perm if factor in axis_of]
