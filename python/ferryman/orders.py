"""Positions that follow from an order: of equal values any may come first in a sort, and of values
that are nearly equal rounding decides.

    are_positions(node, index)                 # whether a result holds positions
    right = judge_positions(call, x, margin, got)
    right = judge_unsorted(call, x, margin, got)    # values that may come in any order
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Node

from .steps import Call, name_of

# By operator: the result that holds positions. None: it has no other.
_POSITIONS = {
    "argmax": None, "argmin": None, "argsort": None, "sort": 1, "topk": 1, "kthvalue": 1,
    "median": 1, "nanmedian": 1, "mode": 1, "max": 1, "min": 1, "cummax": 1, "cummin": 1,
}  # fmt: skip
# "adaptive_max_pool2d" and the like: positions in an image.
_POOLS = {
    f"{kind}max_pool{rank}d{ending}": rank
    for kind in ("", "adaptive_")
    for rank in (1, 2, 3)
    for ending in ("", "_with_indices")
}
_ONCE = {"argsort", "sort", "topk"}  # each position occurs once
# Where PyTorch leaves open which of equal values is meant.
_OPEN = {"kthvalue", "median", "nanmedian", "mode", "sort", "argsort", "topk"}


def are_positions(node: Node, index: int | None) -> bool:
    name = name_of(node.target)
    return index == 1 if name in _POOLS else index == _POSITIONS.get(name, -1)


def gives_positions(node: Node) -> bool:
    """Among several results."""
    return are_positions(node, 1)


def is_unsorted(node: Node) -> bool:
    return name_of(node.target) == "topk" and not argument(node, "sorted", True)


def argument(node: Node, name: str, default: Any) -> Any:
    for place, known in enumerate(node.target._schema.arguments):
        if known.name == name and place < len(node.args):
            return node.args[place]
    return node.kwargs.get(name, default)


def judge_positions(
    call: Call, x: torch.Tensor, margin: torch.Tensor, got: torch.Tensor
) -> torch.Tensor:
    """Which positions are right, of `x` known up to a margin: those of values that are equal within
    it to the values at PyTorch's."""
    node, name = call.node, name_of(call.node.target)
    theirs = call.run({0: x})
    wrong = torch.zeros(got.shape, dtype=torch.bool)
    if got.shape != theirs.shape:
        return wrong
    rows = _rows(node, x, theirs, got, margin.expand(x.shape))
    if rows is None:
        return wrong
    x, theirs, ours, margin = rows
    if not ((ours >= 0) & (ours < x.shape[-1])).all() or (name in _ONCE and _repeats(ours)):
        return wrong
    a, b = x.gather(-1, theirs), x.gather(-1, ours)
    allowed = margin.gather(-1, theirs) + margin.gather(-1, ours)
    if is_unsorted(node):
        a, order = a.sort(-1)
        b, allowed = b.sort(-1).values, allowed.gather(-1, order)
        right = _are_close(a, b, allowed).all(-1, keepdim=True).expand(ours.shape)
    else:
        right = _are_close(a, b, allowed)
    if name not in _OPEN or argument(node, "stable", None):
        right = right & ~((a == b) & (ours != theirs))  # which of equal values is given
    if name in _ONCE:  # a part of another order would repeat positions
        right = right.all(-1, keepdim=True).expand(right.shape)
    return _as_result(node, right, got)


def judge_unsorted(
    call: Call, x: torch.Tensor, margin: torch.Tensor, got: torch.Tensor
) -> torch.Tensor:
    """Whether values that come in no order are PyTorch's, for each row."""
    values = call.run({0: x})
    dim = _dim(call.node)
    if got.shape != values.shape or got.ndim == 0:
        return torch.full(got.shape, got.shape == values.shape)
    allowed = margin.max() * 2
    close = _are_close(values.sort(dim).values, got.sort(dim).values, allowed)
    return close.all(dim, keepdim=True).expand(got.shape)


def has_near_values(x: torch.Tensor, margin: torch.Tensor) -> bool:
    """Whether any two values, of whichever row, may change places."""
    values = x[x.isfinite()].sort().values
    return bool((values.diff() <= 2 * margin.max()).any()) if margin.any() else False


def _are_close(a: torch.Tensor, b: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    return (a == b) | (a.isnan() & b.isnan()) | ((a - b).abs() <= allowed)


def _repeats(positions: torch.Tensor) -> bool:
    return bool((positions.sort(-1).values.diff(dim=-1) == 0).any())


def _rows(node: Node, x, theirs, ours, margin):
    """All with the axis of the positions last; None of a number or of nothing."""
    rank = _POOLS.get(name_of(node.target))
    if rank is not None:
        return [t.flatten(-rank) for t in (x, theirs, ours, margin)]
    if x.ndim == 0 or x.numel() == 0:
        return None
    dim = _dim(node)
    if dim is None:
        return x.flatten(), theirs.reshape(1), ours.reshape(1), margin.flatten()
    if theirs.ndim < x.ndim:
        theirs, ours = theirs.unsqueeze(dim), ours.unsqueeze(dim)
    return [t.movedim(dim, -1) for t in (x, theirs, ours, margin)]


def _as_result(node: Node, right: torch.Tensor, got: torch.Tensor) -> torch.Tensor:
    """The inverse of `_rows`."""
    dim = _dim(node)
    if name_of(node.target) in _POOLS or dim is None:
        return right.reshape(got.shape)
    return right.movedim(-1, dim).reshape(got.shape)


def _dim(node: Node) -> int | None:
    return argument(node, "dim", None if name_of(node.target) in ("argmax", "argmin") else -1)
