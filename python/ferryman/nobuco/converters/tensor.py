"""Axes of a tensor counted in PyTorch's order and in Keras', where axis 1 comes last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def dim_pytorch2keras(dim: int | None, num_dims: int) -> int | None:
    """Where an axis of PyTorch's stands in Keras."""
    if dim is None:
        return None
    dim = dim + num_dims if dim < 0 else dim
    if dim == 0:
        return 0
    return num_dims - 1 if dim == 1 else dim - 1


def dims_pytorch2keras(dims: Sequence[int], num_dims: int) -> list[int]:
    return [dim_pytorch2keras(dim, num_dims) for dim in dims]


def perm_pytorch2keras(n_dims: int) -> list[int]:
    """What to transpose a tensor of PyTorch's with: 0, 2, 3, 1."""
    return [0, *range(2, n_dims), 1] if n_dims > 1 else list(range(n_dims))


def perm_keras2pytorch(n_dims: int) -> list[int]:
    return perm_invert(perm_pytorch2keras(n_dims))


def perm_identity(n_dims: int) -> list[int]:
    return list(range(n_dims))


def perm_invert(perm: Sequence[int]) -> list[int]:
    return sorted(range(len(perm)), key=perm.__getitem__)


def perm_compose(perm_next: Sequence[int], perm_prev: Sequence[Any]) -> list[Any]:
    return [perm_prev[place] for place in perm_next]


def permute_pytorch2keras(xs: Sequence[Any]) -> list[Any]:
    """Of one entry for each axis, as sizes are."""
    return perm_compose(perm_pytorch2keras(len(xs)), xs)


def permute_keras2pytorch(xs: Sequence[Any]) -> list[Any]:
    return perm_compose(perm_keras2pytorch(len(xs)), xs)


def is_identity_perm(perm: Sequence[int]) -> bool:
    return list(perm) == perm_identity(len(perm))
