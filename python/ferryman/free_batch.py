"""Targets whose models take any number of examples ask for a batch that is free, where the user
says nothing of sizes.

    free_batch(signature, args, kwargs)       # {"x": {0: "batch"}}, or None
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.utils import _pytree as pytree

NAME = "batch"


def free_batch(
    signature: inspect.Signature | None, args: tuple, kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """The first axis of the inputs that have as many entries there as the first of them; None if
    there is no such axis."""
    try:
        given = signature.bind(*args, **kwargs).arguments if signature is not None else {}
    except TypeError:
        return None  # capture tells
    tensors = [leaf for leaf in pytree.tree_leaves(dict(given)) if _has_axes(leaf)]
    if not tensors:
        return None
    batch = tensors[0].shape[0]

    def axes(leaf: Any) -> dict[int, str] | None:
        return {0: NAME} if _has_axes(leaf) and leaf.shape[0] == batch else None

    return {name: pytree.tree_map(axes, value) for name, value in given.items()}


def _has_axes(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.dim() > 0
