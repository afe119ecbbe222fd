"""PyTorch's operator database as small modules with fresh inputs.

    for case in cases(infos()["add"], torch.float32, max_samples=8):
        case.module, case.example, case.fresh

The tensors of a sample are the inputs of its module, everything else is frozen into it. `fresh` are
other values of the same shapes: the sample that PyTorch draws at the same place from another seed,
so that values stay in the domain of the op (indices in range, matrices positive definite).
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

DTYPES = {
    "float32": torch.float32,
    "int64": torch.int64,
    "int32": torch.int32,
    "int16": torch.int16,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "complex64": torch.complex64,
}
# What counts in the table; the others go in on request.
REAL_DTYPES = ["float32", "int64", "int32", "bool"]
EXAMPLE_SEED, FRESH_SEED = 0, 1


@functools.cache
def infos() -> dict[str, object]:
    """By name, with the variant where there is one: "div.floor_rounding"."""
    named = {}
    for info in op_db:
        name = f"{info.name}.{info.variant_test_name}" if info.variant_test_name else info.name
        named[name] = info
    return named


class Frozen(nn.Module):
    """Calls of one function with their tensors as inputs and everything else fixed."""

    def __init__(self, function, calls):
        super().__init__()
        self.function = function
        leaves, self.tree = pytree.tree_flatten(calls)
        self.fixed = [None if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        self.is_tensor = [isinstance(leaf, torch.Tensor) for leaf in leaves]
        self.tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]

    def forward(self, *tensors):
        given = iter(tensors)
        leaves = [
            next(given) if is_tensor else fixed
            for is_tensor, fixed in zip(self.is_tensor, self.fixed)
        ]
        calls = pytree.tree_unflatten(leaves, self.tree)
        return [self.function(*args, **kwargs) for args, kwargs in calls]

    def has_same_shape(self, other: Frozen) -> bool:
        """Whether both differ in nothing but the values of tensors."""
        return (
            self.tree == other.tree
            and self.is_tensor == other.is_tensor
            and repr(self.fixed) == repr(other.fixed)
            and [_form(t) for t in self.tensors] == [_form(t) for t in other.tensors]
        )


def _form(tensor: torch.Tensor):
    return tensor.dtype, tensor.layout, tensor.shape


@dataclasses.dataclass(frozen=True)
class Case:
    """A sample: its module, what to convert it with and what to run it with."""

    index: int
    module: Frozen
    example: tuple[torch.Tensor, ...]
    fresh: tuple[torch.Tensor, ...]


def as_call(sample):
    return ((sample.input, *sample.args), sample.kwargs)


def spread(items: list, count: int) -> list:
    """`count` of them, evenly spaced, first and last among them; 0: all."""
    if count == 0 or len(items) <= count:
        return items
    if count == 1:
        return items[:1]
    return [items[i * (len(items) - 1) // (count - 1)] for i in range(count)]


def cases(info, dtype: torch.dtype, max_samples: int) -> Iterator[Case]:
    drawn = _samples(info, dtype, EXAMPLE_SEED)
    others = _samples(info, dtype, FRESH_SEED)
    for index in spread(list(range(len(drawn))), max_samples):
        module = Frozen(info.op, [as_call(drawn[index])])
        other = Frozen(info.op, [as_call(others[index])]) if index < len(others) else None
        example = tuple(t.detach() for t in module.tensors)
        yield Case(index, module, example, fresh_tensors(module, other))


def fresh_tensors(module: Frozen, other: Frozen | None) -> tuple[torch.Tensor, ...]:
    """The tensors of `other`, or those of the module at other places if they do not fit it."""
    if other is not None and module.has_same_shape(other):
        return tuple(t.detach() for t in other.tensors)
    return tuple(_moved(t.detach()) for t in module.tensors)


def seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def _samples(info, dtype: torch.dtype, seed: int) -> list:
    seed_all(seed)
    return list(info.sample_inputs("cpu", dtype, requires_grad=False))


def _moved(tensor: torch.Tensor) -> torch.Tensor:
    """The values at other places: still in the domain of whatever judges them one by one."""
    if tensor.layout is not torch.strided:
        return tensor
    return tensor.flatten().roll(1).reshape(tensor.shape)
