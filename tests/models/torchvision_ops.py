"""torchvision's compiled operators in plain PyTorch, for wheels of torchvision that lack them.

define()                 # before torchvision is imported; nothing if the compiled ones are there
with_operators()         # after: torchvision's functions call them instead of refusing

Results are those of torchvision's CPU kernels, which the documentation of torchvision.ops
describes; the fake kernels give the sizes that torchvision's own give, so torch.export sees the
same program.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
from pathlib import Path

import torch

_LIBRARY = torch.library.Library("torchvision", "FRAGMENT")  # its definitions live as long as it

_ROIS = "Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": f"({_ROIS}, int sampling_ratio, bool aligned) -> Tensor",
    "roi_pool": f"({_ROIS}) -> (Tensor, Tensor)",
    "ps_roi_align": f"({_ROIS}, int sampling_ratio) -> (Tensor, Tensor)",
    "deform_conv2d": "(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
    "SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, "
    "SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor",
}


@functools.cache
def define() -> None:
    """Schemas and CPU kernels. Fake kernels of nms and qnms come with torchvision itself."""
    _load_compiled()
    for name, schema in _SCHEMAS.items():
        if hasattr(torch.ops.torchvision, name):
            continue
        _LIBRARY.define(name + schema)
        if name in _KERNELS:
            _LIBRARY.impl(name, _KERNELS[name], "CPU")
        if name in _FAKE_KERNELS:
            torch.library.register_fake(f"torchvision::{name}", _FAKE_KERNELS[name])


def _load_compiled() -> None:
    """torchvision's library defines its operators once, so it comes before ours; the wheel for CUDA
    does not load beside torch for the CPU."""
    package = importlib.util.find_spec("torchvision")
    for library in Path(package.origin).parent.glob("_C*.so"):
        with contextlib.suppress(OSError, RuntimeError):
            torch.ops.load_library(library)


@functools.cache
def with_operators():
    """torchvision, whose functions find the operators."""
    define()
    import torchvision
    import torchvision.extension

    # Its functions ask this before they call an operator.
    torchvision.extension._has_ops = lambda: True
    import torchvision.ops

    torchvision.ops.roi_align.__globals__["_has_ops"] = torchvision.extension._has_ops
    return torchvision


# nms ---------------------------------------------------------------------------------------------


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """The boxes that overlap none before them by more than the threshold, best score first; equal
    scores stand as they were."""
    order = scores.argsort(descending=True, stable=True)
    x1, y1, x2, y2 = boxes[order].unbind(1)
    areas = (x2 - x1) * (y2 - y1)
    suppressed = torch.zeros(len(order), dtype=torch.bool)
    kept = []
    for i in range(len(order)):
        if suppressed[i]:
            continue
        kept.append(i)
        width = (torch.minimum(x2[i], x2) - torch.maximum(x1[i], x1)).clamp(min=0)
        height = (torch.minimum(y2[i], y2) - torch.maximum(y1[i], y1)).clamp(min=0)
        shared = width * height
        # Compared in double precision, as the threshold is one.
        suppressed |= (shared / (areas[i] + areas - shared)).double() > iou_threshold
    return order[torch.tensor(kept, dtype=torch.long)]


# Regions -----------------------------------------------------------------------------------------


def roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned):
    result = input.new_zeros(len(rois), input.shape[1], pooled_height, pooled_width)
    for roi, (image, box) in enumerate(_regions(input, rois)):
        samples = _bins(box, spatial_scale, (pooled_height, pooled_width), sampling_ratio, aligned)
        result[roi] = _average(image, *samples)
    return result


def ps_roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio):
    """Each bin averages over channels of its own."""
    bins = pooled_height * pooled_width
    mapping = torch.arange(input.shape[1], dtype=torch.int32)
    mapping = mapping.reshape(1, -1, pooled_height, pooled_width).repeat(len(rois), 1, 1, 1)
    result = input.new_zeros(len(rois), input.shape[1] // bins, pooled_height, pooled_width)
    for roi, (image, box) in enumerate(_regions(input, rois)):
        ys, xs = _bins(box, spatial_scale, (pooled_height, pooled_width), sampling_ratio, True)
        for i in range(pooled_height):
            for j in range(pooled_width):
                own = image[i * pooled_width + j :: bins]
                result[roi, :, i, j] = _average(own, ys[i : i + 1], xs[j : j + 1])[:, 0, 0]
    return result, mapping


def roi_pool(input, rois, spatial_scale, pooled_height, pooled_width):
    """The largest element of each bin, and where it is; 0 and -1 of an empty bin."""
    shape = (len(rois), input.shape[1], pooled_height, pooled_width)
    result, places = input.new_zeros(shape), torch.full(shape, -1, dtype=torch.int32)
    height, width = input.shape[2:]
    for roi, (image, box) in enumerate(_regions(input, rois)):
        x1, y1, x2, y2 = (_round(c * spatial_scale) for c in box.tolist())
        rows = _pool_bins(y1, y2, pooled_height, height)
        columns = _pool_bins(x1, x2, pooled_width, width)
        for i, (top, bottom) in enumerate(rows):
            for j, (left, right) in enumerate(columns):
                if bottom <= top or right <= left:
                    continue
                values, at = image[:, top:bottom, left:right].flatten(1).max(1)
                result[roi, :, i, j] = values
                y, x = at // (right - left) + top, at % (right - left) + left
                places[roi, :, i, j] = (y * width + x).int()
    return result, places


def _regions(input, rois):
    for roi in rois:
        yield input[int(roi[0])], roi[1:]


def _bins(box, scale, sizes, sampling_ratio, aligned):
    """Where to sample: rows [pooled_height, samples] and columns [pooled_width, samples]."""
    x1, y1, x2, y2 = box * scale - (0.5 if aligned else 0.0)
    axes = []
    for start, end, size in ((y1, y2, sizes[0]), (x1, x2, sizes[1])):
        length = end - start if aligned else (end - start).clamp(min=1.0)
        step = length / size
        count = sampling_ratio if sampling_ratio > 0 else int(torch.ceil(step))
        inside = (torch.arange(count, dtype=box.dtype) + 0.5) * step / max(count, 1)
        axes.append(start + torch.arange(size, dtype=box.dtype)[:, None] * step + inside)
    return axes


def _average(image, ys, xs):
    """[C, bins of ys, bins of xs]: bilinear samples; those outside the image count as 0."""
    rows, columns = _weights(ys, image.shape[1]), _weights(xs, image.shape[2])
    count = max(ys.shape[1] * xs.shape[1], 1)
    return torch.einsum("cyx,iy,jx->cij", image, rows, columns) / count


def _weights(positions, size):
    """[bins, size]: how much of each element a bin takes in all of its samples."""
    exists = (positions >= -1.0) & (positions <= size)
    at = positions.clamp(min=0.0)
    low = at.floor().clamp(max=size - 1)
    share = torch.where(low >= size - 1, 0.0, at - low)
    high = (low + 1).clamp(max=size - 1)
    elements = torch.arange(size)
    weights = (elements == low[..., None]) * (1 - share)[..., None]
    weights = weights + (elements == high[..., None]) * share[..., None]
    return (weights * exists[..., None]).sum(1).to(positions.dtype)


def _round(x: float) -> int:
    """Half away from zero, as C does it."""
    return int(x + 0.5) if x >= 0 else -int(-x + 0.5)


def _pool_bins(start: int, end: int, count: int, size: int):
    step = torch.tensor(max(end - start + 1, 1), dtype=torch.float32) / count
    for i in range(count):
        first, last = int(torch.floor(i * step)), int(torch.ceil((i + 1) * step))
        yield min(max(first + start, 0), size), min(max(last + start, 0), size)


def _fake_roi_align(input, rois, spatial_scale, height, width, sampling_ratio, aligned):
    return input.new_empty((rois.size(0), input.size(1), height, width))


def _fake_roi_pool(input, rois, spatial_scale, height, width):
    shape = (rois.size(0), input.size(1), height, width)
    return input.new_empty(shape), input.new_empty(shape, dtype=torch.int32)


def _fake_ps_roi_align(input, rois, spatial_scale, height, width, sampling_ratio):
    shape = (rois.size(0), input.size(1) // (height * width), height, width)
    return input.new_empty(shape), input.new_empty(shape, dtype=torch.int32)


_KERNELS = {"nms": nms, "roi_align": roi_align, "roi_pool": roi_pool, "ps_roi_align": ps_roi_align}
_FAKE_KERNELS = {
    "roi_align": _fake_roi_align,
    "roi_pool": _fake_roi_pool,
    "ps_roi_align": _fake_ps_roi_align,
}
