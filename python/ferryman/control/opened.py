"""Values that are unknown while a program is captured, in which the program's inputs have a part.

is_open(x.sum() > 0)        # True of a tensor of the tracer, False of all that Python can ask
"""

from __future__ import annotations

from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

_SYMBOLS = (torch.SymInt, torch.SymFloat, torch.SymBool)
DTYPES = {bool: torch.bool, int: torch.int64, float: torch.float32}


def is_open(value: Any) -> bool:
    if isinstance(value, FakeTensor):
        return value.constant is None
    return isinstance(value, _SYMBOLS) and not value.node.expr.is_number and not _has_hint(value)


def _has_hint(value: Any) -> bool:
    """Sizes of inputs have one: torch answers for them."""
    return value.node.has_hint()


def opened(value: Any) -> Any:
    """A number of the tracer that nobody knows, as a tensor."""
    return as_tensor(value) if isinstance(value, _SYMBOLS) and is_open(value) else value


def as_tensor(number: Any, dtype: torch.dtype | None = None) -> torch.Tensor:
    """A number, of Python or of the tracer, as a tensor without axes."""
    if isinstance(number, torch.SymBool):
        number, dtype = torch.sym_ite(number, 1, 0), dtype or torch.bool
        return torch.ops.aten.scalar_tensor.default(number, dtype=torch.int64).to(dtype)
    dtype = dtype or DTYPES[number_type(number)]
    if isinstance(number, _SYMBOLS):
        return torch.ops.aten.scalar_tensor.default(number, dtype=dtype)
    return torch.full((), number, dtype=dtype)


def number_type(number: Any) -> type | None:
    """bool, int or float; None of what is no number."""
    if isinstance(number, (bool, torch.SymBool)):
        return bool
    if isinstance(number, (int, torch.SymInt)):
        return int
    return float if isinstance(number, (float, torch.SymFloat)) else None


def promoted(dtype: torch.dtype, number: type) -> torch.dtype:
    """Of a tensor and a number of Python's: the tensor's, unless the number is of a higher kind.
    (torch's own function would be recorded.)"""
    return dtype if _kind(dtype) >= _kind(DTYPES[number]) else DTYPES[number]


def _kind(dtype: torch.dtype) -> int:
    if dtype.is_complex:
        return 3
    return 2 if dtype.is_floating_point else int(dtype is not torch.bool)


def holds(dtype: torch.dtype, number: type | None) -> bool:
    """Whether a tensor of this type can stand for such a number."""
    return number is not None and promoted(dtype, number) is dtype


def as_predicate(value: Any) -> torch.Tensor:
    """What torch.cond takes: one bool without axes."""
    if not isinstance(value, torch.Tensor):
        return torch.full((), bool(value), dtype=torch.bool)
    if value.numel() != 1:
        raise RuntimeError(
            f"Boolean value of Tensor with {'more than one' if value.numel() else 'no'} value"
            f"{'' if value.numel() else 's'} is ambiguous"
        )
    scalar = value.reshape(()) if value.dim() else value
    return scalar if scalar.dtype is torch.bool else scalar != 0


def number_of(function: type, value: Any, counts_only: bool) -> Any:
    """int(value), float(value), bool(value) of an open tensor."""
    if not isinstance(value, torch.Tensor):
        return torch.sym_int(value) if function is int else torch.sym_float(value)
    if function is bool:
        return as_predicate(value)
    scalar = value.reshape(())
    if counts_only or _is_carried():
        return scalar.to(DTYPES[function])
    wide = torch.int64 if function is int else torch.float64
    return scalar.to(wide).item()


def _is_carried() -> bool:
    """Inside of branches and loops numbers are tensors: torch's graphs there take no others."""
    from .record import depth

    return depth() > 0
