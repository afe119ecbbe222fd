"""Capture where a size of run time is in the way of an operator of torch's own.

    program = export_not_empty(module, args, kwargs)

roll, cummax and cummin ask whether their tensor is empty, which nobody knows of x[mask]. Either
answer gives the same operator in the program; so they are told that it is not, they alone.
take_along_dim wants sizes as numbers, to broadcast; where there is nothing to, it is a gather.
"""

from __future__ import annotations

from typing import Any

import sympy
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import ExportedProgram
from torch.fx.experimental.symbolic_shapes import (
    GuardOnDataDependentSymNode,
    ShapeEnv,
    free_unbacked_symbols,
    statically_known_true,
)
from torch.overrides import TorchFunctionMode

_ASKING = (
    torch.ops.aten.roll.default,
    torch.ops.aten.cummax.default,
    torch.ops.aten.cummin.default,
)


def export_not_empty(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> ExportedProgram:
    # torch.export takes the fake mode of a trace that goes on for its own.
    with torch._guards.tracing(torch._guards.TracingContext(_Mode())), _Gathers():
        return torch.export.export(module, args, kwargs, strict=False)


def stops_at_a_size(error: Exception) -> bool:
    """Whether torch.export asked for a size, or whether it is 0."""
    condition = getattr(error, "cond", None)  # sympy's, of GuardOnDataDependentSymNode
    is_open = isinstance(condition, sympy.Basic) and bool(free_unbacked_symbols(condition))
    return is_open and (isinstance(condition, sympy.Symbol) or condition.args[-1] == 0)


class _Gathers(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.take_along_dim, torch.Tensor.take_along_dim):
            return _take_along(*args, **kwargs)
        return func(*args, **kwargs)


def _take_along(input, indices, dim=None):
    if dim is None or input.dim() != indices.dim():
        return torch.ops.aten.take_along_dim(input, indices, dim)
    along = dim % input.dim()
    for axis, (mine, theirs) in enumerate(zip(input.shape, indices.shape)):
        if axis != along and not statically_known_true(mine == theirs):
            return torch.ops.aten.take_along_dim(input, indices, dim)
    return input.gather(dim, torch.where(indices < 0, indices + input.shape[along], indices))


class _Mode(FakeTensorMode):
    def __init__(self):
        shape_env = _NotEmpty(tracked_fakes=[], trace_asserts=True)
        super().__init__(shape_env=shape_env, allow_non_fake_inputs=True, export=True)

    def dispatch(self, func, types, args=(), kwargs=None):
        before = self.shape_env.is_asked
        self.shape_env.is_asked = before or func in _ASKING
        try:
            return super().dispatch(func, types, args, kwargs)
        finally:
            self.shape_env.is_asked = before


class _NotEmpty(ShapeEnv):
    is_asked = False  # by one of the operators

    def evaluate_expr(self, orig_expr, *args, **kwargs):
        try:
            return super().evaluate_expr(orig_expr, *args, **kwargs)
        except GuardOnDataDependentSymNode:
            if self.is_asked and isinstance(orig_expr, sympy.Eq) and orig_expr.rhs == 0:
                return sympy.false
            if self.is_asked and isinstance(orig_expr, sympy.Ne) and orig_expr.rhs == 0:
                return sympy.true
            raise
