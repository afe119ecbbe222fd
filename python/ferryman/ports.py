"""What a converted model tells of its inputs and outputs.

tensor_port(port, outline)     # TensorPort(name="x", shape=(1, 8, 8, 3), layout="channels_last", …)
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import torch

from .native_contract import Extent, NativeReport, Placement, Port, Size, at_sizes
from .runtime import pair_axis
from .size_expressions import evaluate
from .sizes import Pattern, Sizes

# In the place of free sizes where the order of axes is to be seen: no other size is like them.
_PRIMES = (10_007, 10_009, 10_037, 10_039, 10_061, 10_067, 10_069, 10_079, 10_091, 10_093)


@dataclasses.dataclass(frozen=True)
class TensorPort:
    """An input or output as the file has it.

    shape: a text where a size is free: "batch", "2 * height + 1".
    dtype: as numpy calls it.
    layout: "channels_first", which is the order of PyTorch, "channels_last", another order of
        PyTorch's axes, outermost first ("1,2,0"), or "any" where axes lie in pieces.
    """

    name: str
    shape: tuple[Extent, ...]
    dtype: str
    layout: str

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}[{', '.join(map(str, self.shape))}]"


def tensor_port(port: Port, value: torch.Tensor | None, sizes: Sequence[Size] = ()) -> TensorPort:
    """value: of the shape that PyTorch has there; None for a number. sizes: those that are free."""
    numbers = {size.name: _PRIMES[i % len(_PRIMES)] for i, size in enumerate(sizes)}
    placed = at_sizes(port, numbers)
    by_symbol = {size.symbol: numbers[size.name] for size in sizes}
    shape = () if value is None else tuple(_number(size, by_symbol) for size in value.shape)
    if None in shape:
        shape, placed = _with_counted_sizes(shape, placed)
    elif port.placement.part == "pair":
        shape = (*shape, 2)
    return TensorPort(port.name, port.shape, port.dtype, _layout(shape, placed))


def _with_counted_sizes(
    shape: tuple[int | None, ...], port: Port
) -> tuple[tuple[int, ...], Port]:
    """Sizes that are counted while the file runs are those that the file keeps room for."""
    placement = port.placement
    if not len(shape) == len(placement.factors) == len(port.shape):
        return port.shape, port  # axes in pieces, whose order says nothing of the sizes
    room = dict(zip(placement.perm, port.shape))
    shape = tuple(room[axis] if size is None else size for axis, size in enumerate(shape))
    placement = dataclasses.replace(placement, factors=shape)
    return shape, dataclasses.replace(port, placement=placement)


def _number(size: int | torch.SymInt, by_symbol: dict[str, int]) -> int | None:
    try:
        return size if type(size) is int else evaluate(str(size), by_symbol)
    except (KeyError, ValueError):
        return None


def sizes_of_ports(native: NativeReport, conditions: Sequence[str] = ()) -> Sizes:
    """What binds the shapes of a call, in the file's own order of axes."""
    numbers = {size.name: _PRIMES[i % len(_PRIMES)] for i, size in enumerate(native.sizes)}
    patterns = {}
    for port in native.inputs if native.sizes else ():
        shape = list(port.shape)
        if port.placement.part == "pair":
            placed = at_sizes(port, numbers)
            del shape[pair_axis(placed.placement, placed.shape)]
        patterns[port.index] = Pattern(port.name, tuple(shape))
    return Sizes(native.sizes, patterns, conditions)


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
    """The axes that are longer than one, outermost first. None if some lie in pieces."""
    axis_of = _axes_of_factors(shape, placement.factors)
    if axis_of is None:
        return None
    order: list[int] = []
    longer = [factor for factor in placement.perm if factor in axis_of]
    for axis, factors in itertools.groupby(longer, key=lambda factor: axis_of[factor]):
        pieces = list(factors)
        if axis in order or pieces != sorted(pieces):
            return None
        order.append(axis)
    return order


def _axes_of_factors(shape: Sequence[int], factors: Sequence[int]) -> dict[int, int] | None:
    """Of each factor that is longer than one, the axis that it is a part of. A graph that cuts an
    axis (pixel unshuffle) has several for it, which may lie side by side in memory. None if a
    factor holds parts of two axes."""
    axis_of: dict[int, int] = {}
    left = iter([(axis, size) for axis, size in enumerate(shape) if size != 1])
    axis, rest = next(left, (0, 1))
    for factor, size in enumerate(factors):
        if size == 1:
            continue
        is_whole = size == rest  # also where both are 0
        if not is_whole and (0 in (size, rest) or rest % size != 0):
            return None
        axis_of[factor], rest = axis, 1 if is_whole else rest // size
        if rest == 1:
            axis, rest = next(left, (0, 1))
    return axis_of if rest == 1 else None
