"""Operators that only autograd calls, of which PyTorch has no decomposition, written in others.

    gradient = DERIVATIVES["aten::avg_pool2d_backward"](grad_output, x, (2, 2), ...)

Many of them belong to operators that are linear and work along each axis by itself: resizing,
average pooling, padding. There the derivative is a product with one matrix for each axis, and the
operator itself says what stands in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import unset_fake_temporarily
from torch.fx.experimental.proxy_tensor import disable_proxy_modes_tracing

aten = torch.ops.aten


# Linear, axis by axis ----------------------------------------------------------------------------


def _transposed(grad: torch.Tensor, along: Sequence[Callable], sizes: Sequence[int]):
    """along: for each of the last axes what the operator does to [n, 1, size]."""
    for position, (function, size) in enumerate(zip(along, sizes)):
        axis = position - len(sizes)
        with unset_fake_temporarily(), disable_proxy_modes_tracing():
            matrix = function(torch.eye(size, dtype=torch.float64)[:, None])[:, 0].T.tolist()
        matrix = torch.tensor(matrix, dtype=grad.dtype)
        grad = torch.matmul(grad.movedim(axis, -1), matrix).movedim(-1, axis)
    return grad


def _resized(operator: Callable, number: int, *, aligned: bool = False) -> Callable:
    """operator(rows, output_size, align_corners, scale): of one axis."""

    def backward(grad, output_size, input_size, *rest):
        corners, scales = (rest[0], rest[1:]) if aligned else (None, rest)
        scales = (*scales, *[None] * (number - len(scales)))
        along = [
            lambda rows, size=size, scale=scale: operator(rows, size, corners, scale)
            for size, scale in zip(output_size, scales)
        ]
        return _transposed(grad, along, input_size[2:])

    return backward


def _nearest(rows, size, corners, scale):
    return aten.upsample_nearest1d(rows, [size], scale)


def _nearest_exact(rows, size, corners, scale):
    return aten._upsample_nearest_exact1d(rows, [size], scale)


def _linear(rows, size, corners, scale):
    return aten.upsample_linear1d(rows, [size], corners, scale)


def _in_an_image(operator: Callable) -> Callable:
    """Of operators that have no form for one axis."""
    return lambda rows, size, corners, scale: operator(
        rows[..., None], [size, 1], corners, scale, None
    )[..., 0]


def _avg_pool(number: int) -> Callable:
    def backward(grad, x, kernel, stride, padding, ceil_mode, counts_padding, divisor):
        kernel, stride, padding = (_each(v, number) for v in (kernel, stride or kernel, padding))
        along = [
            lambda rows, k=k, s=s, p=p: F.avg_pool2d(
                rows[..., None],
                (k, 1),
                (s, 1),
                (p, 0),
                ceil_mode,
                counts_padding,
                None if divisor is None else 1,
            )[..., 0]
            for k, s, p in zip(kernel, stride, padding)
        ]
        result = _transposed(grad, along, x.shape[-number:])
        return result if divisor is None else result / divisor

    return backward


def _adaptive_avg_pool(number: int) -> Callable:
    def backward(grad, x):
        along = [
            lambda rows, size=size: F.adaptive_avg_pool1d(rows, size)
            for size in grad.shape[-number:]
        ]
        return _transposed(grad, along, x.shape[-number:])

    return backward


def _replication_pad(grad, x, padding):
    number = len(padding) // 2
    pairs = [padding[2 * i : 2 * i + 2] for i in range(number)][::-1]  # the last axis comes first
    along = [lambda rows, pair=pair: F.pad(rows, tuple(pair), "replicate") for pair in pairs]
    return _transposed(grad, along, x.shape[-number:])


def _each(value: Sequence[int], number: int) -> list[int]:
    return list(value) * (number if len(value) == 1 else 1)


# Pooling by the largest --------------------------------------------------------------------------


def _to_largest(number: int) -> Callable:
    def backward(grad, x, *window_and_indices):
        indices = window_and_indices[-1].flatten(-number)
        zeros = torch.zeros_like(x).flatten(-number)
        return zeros.scatter_add(-1, indices, grad.flatten(-number)).reshape(x.shape)

    return backward


# Convolution -------------------------------------------------------------------------------------


def _convolution(
    grad, x, weight, bias, stride, padding, dilation, transposed, output_padding, groups, wanted
):
    number = weight.ndim - 2
    stride, padding, dilation = (_each(v, number) for v in (stride, padding, dilation))
    window = (stride, padding, dilation)
    of_input = of_weight = of_bias = None
    if wanted[0]:
        of_input = (_of_transposed_input if transposed else _of_input)(
            grad, x, weight, window, groups
        )
    if wanted[1]:
        image, kernel = (grad, x) if transposed else (x, grad)
        of_weight = _of_weight(image, kernel, weight, window, groups)
    if wanted[2]:
        of_bias = grad.sum([0, *range(2, grad.ndim)])
    return of_input, of_weight, of_bias


def _of_input(grad, x, weight, window, groups):
    stride, padding, dilation = window
    # What the last window does not reach.
    rest = [
        size - ((g - 1) * s - 2 * p + d * (k - 1) + 1)
        for size, g, s, p, d, k in zip(
            x.shape[2:], grad.shape[2:], stride, padding, dilation, weight.shape[2:]
        )
    ]
    zeros = [0] * len(rest)
    # An output padding must be less than the stride.
    fits = all(r < s for r, s in zip(rest, stride))
    result = aten.convolution(
        grad, weight, None, stride, padding, dilation, True, rest if fits else zeros, groups
    )
    if fits:
        return result
    return F.pad(result, [n for r in reversed(rest) for n in (0, r)])


def _of_transposed_input(grad, x, weight, window, groups):
    stride, padding, dilation = window
    zeros = [0] * len(stride)
    return aten.convolution(grad, weight, None, stride, padding, dilation, False, zeros, groups)


def _of_weight(image, kernel, weight, window, groups):
    """A convolution of the image by what came out, over the samples in the place of channels:
    strides and dilations change places."""
    stride, padding, dilation = window
    zeros = [0] * len(stride)
    parts = [
        aten.convolution(part, of, None, dilation, padding, stride, False, zeros, 1)
        for part, of in zip(
            image.transpose(0, 1).chunk(groups), kernel.transpose(0, 1).chunk(groups)
        )
    ]
    result = torch.cat([part.transpose(0, 1) for part in parts])
    for axis, size in enumerate(weight.shape[2:], 2):
        result = result.narrow(axis, 0, size)
    return result


# Distances ---------------------------------------------------------------------------------------


def _cdist(grad, x1, x2, p, distances):
    differences = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    return (_slope(differences, p, distances) * grad.unsqueeze(-1)).sum(-2)


def _pdist(grad, x, p, distances):
    pairs = list(itertools.combinations(range(x.shape[0]), 2))
    first, second = torch.tensor(pairs).unbind(1)
    steps = _slope(x[first] - x[second], p, distances) * grad.unsqueeze(-1)
    return torch.zeros_like(x).index_add(0, first, steps).index_add(0, second, -steps)


def _slope(differences, p, distances):
    """How a distance grows with each coordinate; not at all between equal points."""
    distances = distances.unsqueeze(-1)
    if p == 1:
        return differences.sign()
    if p == 0:
        return torch.zeros_like(differences)
    if p == float("inf"):
        return differences.sign() * (differences.abs() == distances)
    apart = distances > 0
    safe = torch.where(apart, distances, 1.0)
    slope = differences / safe
    if p != 2:
        slope = differences.sign() * (differences.abs() / safe) ** (p - 1)
    return torch.where(apart, slope, 0.0)


# The rest ----------------------------------------------------------------------------------------


def _trilinear(x, y, z, expand_x, expand_y, expand_z, sum_dim, unroll_dim=1):
    """What nn.Bilinear is to autograd."""
    product = 1
    for factor, expand in ((x, expand_x), (y, expand_y), (z, expand_z)):
        for axis in sorted(expand):
            factor = factor.unsqueeze(axis)
        product = product * factor
    return product.sum(sum_dim)


def _log_sigmoid(grad, x, buffer):
    return grad * torch.sigmoid(-x)


DERIVATIVES: dict[str, Callable] = {
    "aten::_adaptive_avg_pool2d_backward": _adaptive_avg_pool(2),
    "aten::_adaptive_avg_pool3d_backward": _adaptive_avg_pool(3),
    "aten::_cdist_backward": _cdist,
    "aten::_pdist_backward": _pdist,
    "aten::_upsample_nearest_exact1d_backward": _resized(_nearest_exact, 1),
    "aten::_upsample_nearest_exact2d_backward": _resized(_nearest_exact, 2),
    "aten::_upsample_nearest_exact3d_backward": _resized(_nearest_exact, 3),
    "aten::_trilinear": _trilinear,
    "aten::adaptive_max_pool2d_backward": _to_largest(2),
    "aten::adaptive_max_pool3d_backward": _to_largest(3),
    "aten::avg_pool2d_backward": _avg_pool(2),
    "aten::avg_pool3d_backward": _avg_pool(3),
    "aten::convolution_backward": _convolution,
    "aten::log_sigmoid_backward": _log_sigmoid,
    "aten::max_pool2d_with_indices_backward": _to_largest(2),
    "aten::max_pool3d_with_indices_backward": _to_largest(3),
    "aten::replication_pad1d_backward": _replication_pad,
    "aten::replication_pad2d_backward": _replication_pad,
    "aten::replication_pad3d_backward": _replication_pad,
    "aten::upsample_bicubic2d_backward": _resized(
        _in_an_image(aten.upsample_bicubic2d), 2, aligned=True
    ),
    "aten::upsample_bilinear2d_backward": _resized(_linear, 2, aligned=True),
    "aten::upsample_linear1d_backward": _resized(_linear, 1, aligned=True),
    "aten::upsample_nearest1d_backward": _resized(_nearest, 1),
    "aten::upsample_nearest2d_backward": _resized(_nearest, 2),
    "aten::upsample_nearest3d_backward": _resized(_nearest, 3),
    "aten::upsample_trilinear3d_backward": _resized(_linear, 3, aligned=True),
}
