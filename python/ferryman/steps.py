"""Functions that jump: where an operand is within a margin of an edge, either side is right.

    lowest, highest = bounds(call, {0: margin})      # of what is right, for each element
    is_step(node.target, value)                      # whether an operator is such a function
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch.fx import Node
from torch.utils import _pytree as pytree

# Of floats; what gives integers or booleans for floats is one in any case.
_OF_FLOATS = {
    "angle", "arctan2", "atan2", "ceil", "fix", "floor", "floor_divide", "fmod", "frac",
    "hardshrink", "heaviside", "histc", "remainder", "round", "sgn", "sign", "threshold", "trunc",
    "fake_quantize_per_tensor_affine", "fake_quantize_per_tensor_affine_cachemask",
    "fake_quantize_per_channel_affine", "fake_quantize_per_channel_affine_cachemask",
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
}  # fmt: skip
# In a file these may take several operators, which round: an edge is as wide as that.
ROUNDING_INSIDE = (_OF_FLOATS - {"ceil", "floor", "fix", "trunc", "sign", "sgn"}) | {
    "div", "divide", "isclose",
}  # fmt: skip
_EQUALITIES = {"eq", "ne", "not_equal"}
_MOST_MOVED = 3  # operands, each by itself; more are moved together


@dataclasses.dataclass(frozen=True)
class Call:
    """A node with the values of its arguments before it ran; of several results, one."""

    node: Node
    leaves: list[Any]
    index: int | None = None

    @staticmethod
    def of(node: Node, value_of: Callable[[Node], Any]) -> Call:
        values = [value_of(x) if isinstance(x, Node) else x for x in _flat(node)]
        call = Call(node, values)
        # An operator that writes would change what it was given.
        return call.copied() if node.target._schema.is_mutable else call

    def copied(self) -> Call:
        return Call(self.node, [_copy(value) for value in self.leaves], self.index)

    @property
    def floats(self) -> list[int]:
        """The places of the floating tensors among the leaves."""
        return [place for place, value in enumerate(self.leaves) if is_float(value)]

    @property
    def nodes(self) -> list[Any]:
        return _flat(self.node)

    def run(self, replaced: dict[int, torch.Tensor], target: Any = None) -> Any:
        leaves = [replaced.get(place, value) for place, value in enumerate(self.leaves)]
        if self.node.target._schema.is_mutable:
            leaves = [_copy(value) for value in leaves]
        tree = pytree.tree_structure((self.node.args, self.node.kwargs))
        args, kwargs = pytree.tree_unflatten(leaves, tree)
        result = (target or self.node.target)(*args, **kwargs)
        return result if self.index is None else result[self.index]


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value


def _flat(node: Node) -> list[Any]:
    return pytree.tree_leaves((node.args, node.kwargs))


def is_float(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def name_of(target: Any) -> str:
    """ "floor" of aten.floor_.default."""
    return target._schema.name.partition("::")[2].rstrip("_")


def gives_steps(node: Node) -> bool:
    """Among several results."""
    return name_of(node.target) in _OF_FLOATS


def is_step(node: Node, value: Any) -> bool:
    """Whether a result of an operator on floats is a step function of them."""
    if not isinstance(value, torch.Tensor):
        return False
    name = name_of(node.target)
    if name in ("div", "divide"):
        return node.kwargs.get("rounding_mode") is not None
    return name in _OF_FLOATS or not (value.is_floating_point() or value.is_complex())


def bounds(
    call: Call, operands: dict[int, torch.Tensor], margins: dict[int, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The least and the greatest of the results that operands moved by their margins give."""
    name = name_of(call.node.target)
    if name == "histc":
        return _bounds_of_counts(call, operands, margins)
    equals_zero = name in ("logical_not",) or _is_cast_to_bool(call, operands)
    if name in _EQUALITIES or equals_zero:
        return _bounds_of_equality(call, operands, margins, equals_zero)
    return _extremes(call, operands, margins)


def _extremes(call: Call, operands, margins, target: Any = None):
    lowest = highest = call.run(operands, target)
    for moved in _moved(operands, margins):
        result = call.run(moved, target)
        lowest, highest = torch.minimum(lowest, result), torch.maximum(highest, result)
    return lowest, highest


def _moved(operands: dict[int, torch.Tensor], margins: dict[int, torch.Tensor]):
    """All ways to move operands up and down."""
    places = [place for place in operands if margins[place].any()]
    together = len(places) > _MOST_MOVED
    for signs in itertools.product((-1, 1), repeat=1 if together else len(places)):
        by_place = dict.fromkeys(places, signs[0]) if together else dict(zip(places, signs))
        if by_place:
            yield operands | {
                place: (operands[place] + sign * margins[place]).to(operands[place].dtype)
                for place, sign in by_place.items()
            }


def _is_cast_to_bool(call: Call, operands) -> bool:
    result = call.run(operands)
    return result.dtype is torch.bool and name_of(call.node.target) in ("to", "_to_copy", "bool")


def _bounds_of_equality(call: Call, operands, margins, equals_zero: bool):
    """Values that are equal but for the margin lie on either side of being so."""
    result = call.run(operands)
    if equals_zero:
        (place,) = operands
        is_open = operands[place].abs() <= margins[place]
    else:
        overload = call.node.target._overloadname
        above, below = (
            _extremes(call, operands, margins, getattr(torch.ops.aten.ge, overload)),
            _extremes(call, operands, margins, getattr(torch.ops.aten.le, overload)),
        )
        exact = torch.as_tensor(not list(_moved(operands, margins)))
        is_open = ((above[0] != above[1]) | (below[0] != below[1])) & ~exact
    return result & ~is_open, result | is_open


def _bounds_of_counts(call: Call, operands, margins):
    """Each bin may lose what lies at its edges, and win what lies just outside of them."""
    (place, *_) = operands
    x, margin = operands[place].flatten(), margins[place].expand(operands[place].shape).flatten()
    counts = call.run(operands)
    low, high = _range_of_bins(call, x)
    edges = torch.linspace(low, high, counts.numel() + 1, dtype=x.dtype)
    near = ((x[:, None] - edges).abs() <= margin[:, None]).sum(0)
    movable = (near[:-1] + near[1:]).to(counts.dtype)
    return counts - movable, counts + movable


def _range_of_bins(call: Call, x: torch.Tensor) -> tuple[float, float]:
    given = dict(zip(("self", "bins", "min", "max"), call.node.args)) | dict(call.node.kwargs)
    low, high = float(given.get("min", 0)), float(given.get("max", 0))
    if low == high:
        low, high = float(x.min()), float(x.max())
    return (low, high) if low < high else (low - 1, high + 1)
