"""What PyTorch's reference implementations leave, in the operators of ATen that users write.

    table |= prim_decompositions(is_known)

The references compute with `prims`, a second set of operators. Most have a twin in ATen; one table
names it. A twin that the core does not know is left out: its own reference would lead back to the
prim.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch._ops import OpOverload

aten, prims = torch.ops.aten, torch.ops.prims

# Twins that take the same arguments.
_SAME = {
    prims.abs: aten.abs.default,
    prims.acos: aten.acos.default,
    prims.acosh: aten.acosh.default,
    prims.add: aten.add.Tensor,
    prims.asin: aten.asin.default,
    prims.asinh: aten.asinh.default,
    prims.atan: aten.atan.default,
    prims.atan2: aten.atan2.default,
    prims.atanh: aten.atanh.default,
    prims.bessel_i0: aten.special_modified_bessel_i0.default,
    prims.bessel_i0e: aten.special_i0e.default,
    prims.bessel_i1: aten.special_i1.default,
    prims.bessel_i1e: aten.special_i1e.default,
    prims.bessel_j0: aten.special_bessel_j0.default,
    prims.bessel_j1: aten.special_bessel_j1.default,
    prims.bitwise_and: aten.bitwise_and.Tensor,
    prims.bitwise_not: aten.bitwise_not.default,
    prims.bitwise_or: aten.bitwise_or.Tensor,
    prims.bitwise_xor: aten.bitwise_xor.Tensor,
    prims.cat: aten.cat.default,
    prims.ceil: aten.ceil.default,
    prims.clone: aten.clone.default,
    prims.convert_element_type: aten.to.dtype,
    prims.cos: aten.cos.default,
    prims.cosh: aten.cosh.default,
    prims.digamma: aten.digamma.default,
    prims.eq: aten.eq.Tensor,
    prims.erf: aten.erf.default,
    prims.erf_inv: aten.erfinv.default,
    prims.erfc: aten.erfc.default,
    prims.erfcx: aten.special_erfcx.default,
    prims.exp: aten.exp.default,
    prims.exp2: aten.exp2.default,
    prims.expm1: aten.expm1.default,
    prims.fill: aten.fill.Scalar,
    prims.floor: aten.floor.default,
    prims.fmax: aten.fmax.default,
    prims.fmin: aten.fmin.default,
    prims.fmod: aten.fmod.Tensor,
    prims.frexp: aten.frexp.Tensor,
    prims.gcd: aten.gcd.default,
    prims.ge: aten.ge.Tensor,
    prims.gt: aten.gt.Tensor,
    prims.hypot: aten.hypot.default,
    prims.igamma: aten.igamma.default,
    prims.igammac: aten.igammac.default,
    prims.isfinite: aten.isfinite.default,
    prims.le: aten.le.Tensor,
    prims.lgamma: aten.lgamma.default,
    prims.log: aten.log.default,
    prims.log10: aten.log10.default,
    prims.log1p: aten.log1p.default,
    prims.log2: aten.log2.default,
    prims.lt: aten.lt.Tensor,
    prims.maximum: aten.maximum.default,
    prims.minimum: aten.minimum.default,
    prims.mul: aten.mul.Tensor,
    prims.ndtri: aten.special_ndtri.default,
    prims.ne: aten.ne.Tensor,
    prims.neg: aten.neg.default,
    prims.nextafter: aten.nextafter.default,
    prims.pow: aten.pow.Tensor_Tensor,
    prims.reciprocal: aten.reciprocal.default,
    prims.remainder: aten.remainder.Tensor,
    prims.reshape: aten.reshape.default,
    prims.rev: aten.flip.default,
    prims.round: aten.round.default,
    prims.rsqrt: aten.rsqrt.default,
    prims.scalar_tensor: aten.scalar_tensor.default,
    prims.shift_left: aten.bitwise_left_shift.Tensor,
    prims.shift_right_arithmetic: aten.bitwise_right_shift.Tensor,
    prims.sign: aten.sign.default,
    prims.signbit: aten.signbit.default,
    prims.sin: aten.sin.default,
    prims.sinh: aten.sinh.default,
    prims.spherical_bessel_j0: aten.special_spherical_bessel_j0.default,
    prims.sqrt: aten.sqrt.default,
    prims.squeeze: aten.squeeze.dims,
    prims.sub: aten.sub.Tensor,
    prims.tan: aten.tan.default,
    prims.tanh: aten.tanh.default,
    prims.transpose: aten.permute.default,
    prims.trunc: aten.trunc.default,
    prims.view_of: aten.alias.default,
    prims.where: aten.where.self,
    prims.zeta: aten.special_zeta.default,
}


def _div(a, b):
    """Of whole numbers, rounded towards 0."""
    if a.is_floating_point():
        return aten.div.Tensor(a, b)
    return aten.div.Tensor_mode(a, b, rounding_mode="trunc")


def _broadcast_in_dim(a, shape, broadcast_dimensions):
    """Axis i of the operand becomes axis broadcast_dimensions[i] of the shape."""
    lined_up = [1] * len(shape)
    for size, axis in zip(a.shape, broadcast_dimensions):
        lined_up[axis] = size
    return aten.expand.default(aten.view.default(a, lined_up), list(shape))


def _collapse(a, start, end):
    shape = [*a.shape[:start], -1, *a.shape[end + 1 :]]
    return aten.reshape.default(a, shape)


def _split_dim(a, dim, outer_length):
    shape = [*a.shape[:dim], outer_length, a.shape[dim] // outer_length, *a.shape[dim + 1 :]]
    return aten.reshape.default(a, shape)


def _reduction(twin: OpOverload) -> Callable:
    def reduce(inp, dims, *, output_dtype=None):
        result = twin(inp, list(range(inp.dim())) if dims is None else dims)
        return result if output_dtype is None else result.to(output_dtype)

    return reduce


def _sum(inp, dims, *, output_dtype=None):
    dims = list(range(inp.dim())) if dims is None else dims
    return aten.sum.dim_IntList(inp, dims, dtype=output_dtype or inp.dtype)


def _prod(inp, dims, *, output_dtype=None):
    dtype = output_dtype or inp.dtype
    for dim in sorted(range(inp.dim()) if dims is None else dims, reverse=True):
        inp = aten.prod.dim_int(inp, dim, dtype=dtype)
    return inp.to(dtype)


def _var(inp, dims, correction=1, *, output_dtype=None):
    result = aten.var.correction(inp, dims, correction=correction)
    return result if output_dtype is None else result.to(output_dtype)


def _iota(length, *, start, step, dtype, device, requires_grad):
    return aten.arange.start_step(start, start + length * step, step, dtype=dtype, device=device)


def _device_put(a, device, non_blocking=False):
    return aten.alias.default(a)


# With other arguments; the twin itself comes second.
_REWRITTEN = {
    prims.amax: (_reduction(aten.amax.default), aten.amax.default),
    prims.amin: (_reduction(aten.amin.default), aten.amin.default),
    prims.broadcast_in_dim: (_broadcast_in_dim, aten.expand.default),
    prims.collapse: (_collapse, aten.reshape.default),
    prims.collapse_view: (_collapse, aten.reshape.default),
    prims.device_put: (_device_put, aten.alias.default),
    prims.div: (_div, aten.div.Tensor),
    prims.iota: (_iota, aten.arange.start_step),
    prims.prod: (_prod, aten.prod.dim_int),
    prims.split_dim: (_split_dim, aten.reshape.default),
    prims.sum: (_sum, aten.sum.dim_IntList),
    prims.var: (_var, aten.var.correction),
}


def prim_decompositions(is_known: Callable[[OpOverload], bool]) -> dict[OpOverload, Callable]:
    table = {prim.default: twin for prim, twin in _SAME.items() if is_known(twin)}
    for prim, (function, twin) in _REWRITTEN.items():
        if is_known(twin):
            table[prim.default] = function
    return table
