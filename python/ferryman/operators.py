"""What torch says of an operator: its name as archives spell it, its arguments, its results.

described = describe(torch.ops.aten.add.Tensor)
described.target, described.names       # "aten.add.Tensor", ("self", "other", "alpha")
"""

from __future__ import annotations

import dataclasses
import inspect
from functools import cache

import torch
from torch._ops import OpOverload
from torch.utils import _pytree as pytree


@dataclasses.dataclass(frozen=True)
class Operator:
    """What a schema says, asked once: each question costs as much as writing a node."""

    target: str
    names: tuple[str, ...]  # empty without a schema
    num_returns: int  # -1 without a schema


@cache
def describe(target) -> Operator:
    if isinstance(target, torch._ops.OpOverload):
        schema = target._schema
        names = tuple(argument.name for argument in schema.arguments)
        return Operator(qualified_name(target), names, len(schema.returns))
    if isinstance(target, torch._ops.HigherOrderOperator):
        return Operator(qualified_name(target), (), -1)
    try:
        names = tuple(inspect.signature(target).parameters)
    except ValueError:
        names = ()
    return Operator(qualified_name(target), names, 1)


def qualified_name(target) -> str:
    if isinstance(target, str):
        return target
    name = f"{target.__module__}.{target.__name__}"
    return name.removeprefix("torch._ops.").removeprefix("torch.ops.")


def name_arguments(described: Operator, args, kwargs) -> list[tuple[str, object]]:
    """The arguments of a call by the names of the schema; "" without one."""
    if not described.names:
        return [("", argument) for argument in args] + list(kwargs.items())
    named = list(zip(described.names, args, strict=False))
    if kwargs:  # in the order of the schema
        named += [(name, kwargs[name]) for name in described.names if name in kwargs]
    return named


def written_tensors(func: OpOverload, args: tuple, kwargs: dict) -> list[torch.Tensor]:
    """The operands that a call writes to."""
    if not func._schema.is_mutable:
        return []
    written = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[place] if place < len(args) else kwargs.get(argument.name)
            written += [t for t in pytree.tree_leaves(value) if isinstance(t, torch.Tensor)]
    return written
