"""Operators that LiteRT does not have: torch.ops.ferryman.tfl_custom.

What they give is declared, and computed in PyTorch by a function that the caller names. A program
refers to it by a key, since a graph holds no functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import torch

from .. import _native
from ..errors import InputError
from .arguments import Axes
from .registered import LIBRARY

# By key; a program may be run as long as the process lives.
_kernels: dict[str, Callable] = {}
_keys: dict[Callable, str] = {}

_SCHEMA = (
    'tfl_custom(Tensor?[] x, *, str name, str options="", int version=1, SymInt[] sizes, '
    'int[] ranks, str[] dtypes, str kernel="", bool elementwise=False) -> Tensor[]'
)


def call_custom(
    name: str,
    x: Sequence[torch.Tensor | None],
    options: dict[str, Any] | bytes | None,
    like: Any,
    kernel: Callable | None,
    order: Axes,
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    if not isinstance(name, str) or not name:
        raise InputError(f"a custom operator named {name!r}", hint="write the name as a text")
    if not all(value is None or isinstance(value, torch.Tensor) for value in x):
        raise InputError(f"custom operator '{name}': operands are tensors or None")
    several = isinstance(like, list)
    likes = like if several else [_first(name, x) if like is None else like]
    declared = [_declared(name, one, order) for one in likes]
    results = torch.ops.ferryman.tfl_custom.default(
        order.arrange(x),
        name=name,
        options=_encoded(name, options),
        sizes=[size for shape, _ in declared for size in shape],
        ranks=[len(shape) for shape, _ in declared],
        dtypes=[dtype for _, dtype in declared],
        kernel=_key_of(name, kernel),
        elementwise=order.is_elementwise,
    )
    restored = order.restore(results)
    return restored if several else restored[0]


def _first(name: str, x: Sequence[torch.Tensor | None]) -> torch.Tensor:
    first = next((value for value in x if value is not None), None)
    if first is None:
        raise InputError(
            f"custom operator '{name}' has no operand that tells its result",
            hint="say what it gives: like=((1, 8), torch.float32)",
        )
    return first


def _declared(name: str, like: Any, order: Axes) -> tuple[list[Any], str]:
    """Shape as the operator sees it, and dtype."""
    if isinstance(like, torch.Tensor):
        shape, dtype = like.shape, like.dtype
    elif isinstance(like, tuple) and len(like) == 2 and isinstance(like[1], torch.dtype):
        shape, dtype = like
    else:
        raise InputError(
            f"custom operator '{name}': like is {like!r}",
            hint="pass a tensor, a pair (shape, dtype), or a list of them for several results",
        )
    return order.arrange_shape(shape), str(dtype).removeprefix("torch.")


def _encoded(name: str, options: dict[str, Any] | bytes | None) -> str:
    """In hexadecimal digits."""
    if options is None:
        return ""
    if isinstance(options, (bytes, bytearray)):
        return options.hex()
    try:
        if not isinstance(options, dict):
            raise TypeError(f"they are a {type(options).__name__}")
        return _native.flexbuffer(json.dumps(options, allow_nan=False)).hex()
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the options of custom operator '{name}' have no FlexBuffer form",
            why=str(error),
            hint="pass a dict of numbers, bools, texts and lists of them, or bytes",
        ) from None


# Kernels -----------------------------------------------------------------------------------------


def _key_of(name: str, kernel: Callable | None) -> str:
    if kernel is None:
        return ""
    if kernel not in _keys:
        _keys[kernel] = f"{name}#{len(_keys)}"
        _kernels[_keys[kernel]] = kernel
    return _keys[kernel]


def _eager(x, *, name, sizes, ranks, dtypes, kernel="", **_):
    if kernel not in _kernels:
        raise InputError(
            f"custom operator '{name}' has no kernel here that computes it",
            hint="pass kernel=…, a function of the operands, so that the model runs in PyTorch and "
            "its conversion can be checked; or convert with verify=False",
        )
    made = _kernels[kernel](*x)
    results = list(made) if isinstance(made, (tuple, list)) else [made]
    wide = any(value is not None and value.dtype is torch.float64 for value in x)
    _require_declared(name, results, list(_shapes(sizes, ranks)), dtypes, wide=wide)
    # A result of an operator is a tensor of its own.
    return [result.clone() for result in results]


def _shapes(sizes: Sequence[Any], ranks: Sequence[int]):
    begin = 0
    for rank in ranks:
        yield list(sizes[begin : begin + rank])
        begin += rank


def _require_declared(name, results, shapes, dtypes, *, wide: bool) -> None:
    """wide: the check of rounding computes in float64 (eager.run_float64)."""
    if len(results) != len(shapes):
        raise InputError(
            f"the kernel of custom operator '{name}' gives {len(results)} results, and "
            f"{len(shapes)} are declared",
            hint="say what it gives in like=[…]",
        )
    for result, shape, dtype in zip(results, shapes, dtypes):
        made = str(result.dtype).removeprefix("torch.")
        if list(result.shape) != shape or (made != dtype and not wide):
            raise InputError(
                f"the kernel of custom operator '{name}' gives {made}{list(result.shape)}, and "
                f"{dtype}{shape} is declared",
                hint="say what it gives in like=…, in PyTorch's order of axes",
            )


def _fake(x, *, sizes, ranks, dtypes, **_):
    device = next((value.device for value in x if value is not None), torch.device("cpu"))
    return [
        torch.empty(shape, dtype=getattr(torch, dtype), device=device)
        for shape, dtype in zip(_shapes(sizes, ranks), dtypes)
    ]


LIBRARY.add(_SCHEMA, _eager, _fake)
