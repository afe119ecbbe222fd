"""Positions of equal elements, which PyTorch leaves open: its unstable sorts and selections name
any of them, and another one on another machine.

    got = settle_ties("topk", case.fresh[0], got, expected)
"""

from __future__ import annotations

import torch

OPEN_TIES = {"sort", "argsort", "topk", "kthvalue", "median", "nanmedian", "mode"}


def settle_ties(
    op: str, x: torch.Tensor, got: list[torch.Tensor], expected: list[torch.Tensor]
) -> list[torch.Tensor]:
    """`got` with the expected positions for those that name equal elements of x, each once."""
    if op not in OPEN_TIES or x.ndim == 0:
        return got
    return [
        theirs if _names_equal_elements(x, mine, theirs) else mine
        for mine, theirs in zip(got, expected)
    ]


def _names_equal_elements(x: torch.Tensor, mine: torch.Tensor, theirs: torch.Tensor) -> bool:
    if theirs.dtype is not torch.int64 or mine.shape != theirs.shape:
        return False
    return any(_equal_along(x, mine.long(), theirs, dim) for dim in range(x.ndim))


def _equal_along(x: torch.Tensor, mine: torch.Tensor, theirs: torch.Tensor, dim: int) -> bool:
    if mine.ndim == x.ndim - 1:
        mine, theirs = mine.unsqueeze(dim), theirs.unsqueeze(dim)
    others = [size for axis, size in enumerate(x.shape) if axis != dim]
    if mine.ndim != x.ndim or others != [s for axis, s in enumerate(mine.shape) if axis != dim]:
        return False
    if any(((p < 0) | (p >= x.shape[dim])).any() for p in (mine, theirs)):
        return False
    once = (mine.sort(dim).values.diff(dim=dim) > 0).all()
    a, b = x.gather(dim, mine), x.gather(dim, theirs)
    return bool(once and ((a == b) | ((a != a) & (b != b))).all())
