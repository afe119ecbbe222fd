"""Operators of which PyTorch has no decomposition, or one with other results, written in others.

    rewrite = REWRITES.get("aten::fill_diagonal_")
    tensor = rewrite(tensor, 0.0)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from .derivatives import DERIVATIVES


def _fill_diagonal(self, value, wrap=False):
    if self.ndim != 2 or (wrap and self.shape[0] > self.shape[1]):
        raise NotImplementedError("a diagonal that is no view")
    self.diagonal().fill_(value)
    return self


def _linear_cross_entropy(
    input,
    linear_weight,
    target,
    linear_bias,
    weight,
    reduction,
    ignore_index,
    label_smoothing,
    *chunks_and_gradients,
):
    loss = F.cross_entropy(
        F.linear(input, linear_weight, linear_bias),
        target,
        weight,
        ignore_index=ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
    return loss, None, None, None  # gradients, which no inference reads


def _linear_cross_entropy_of_each(
    input, linear_weight, target, linear_bias, weight, ignore_index, *chunks
):
    logits = F.linear(input, linear_weight, linear_bias)
    return F.cross_entropy(logits, target, weight, ignore_index=ignore_index, reduction="none")


def _histogramdd(self, bins, range=None, weight=None, density=False):
    """Counts how many rows fall into each cell of a grid: a row's place is numbered, and one place
    more takes the rows outside."""
    rows = self.reshape(-1, self.shape[-1])
    columns = rows.unbind(1)
    edges = _edges(columns, bins, range)
    sizes = [len(of_axis) - 1 for of_axis in edges]
    place = torch.zeros_like(columns[0], dtype=torch.int64)
    inside = torch.ones_like(columns[0], dtype=torch.bool)
    for column, of_axis, size in zip(columns, edges, sizes):
        cell = (of_axis <= column[:, None]).sum(1) - 1
        place = place * size + cell.clamp(0, size - 1)  # the last edge belongs to the last cell
        inside = inside & (column >= of_axis[0]) & (column <= of_axis[-1])
    cells = math.prod(sizes)
    weights = torch.ones_like(columns[0]) if weight is None else weight.reshape(-1)
    numbered = torch.where(inside, place, cells)
    counts = rows.new_zeros(cells + 1).index_add(0, numbered, weights)[:cells].reshape(sizes)
    return (_density(counts, edges) if density else counts), edges


def _edges(columns, bins, range):
    if not isinstance(bins, int) and isinstance(bins[0], torch.Tensor):
        return list(bins)
    counts = [bins] * len(columns) if isinstance(bins, int) else bins
    return [
        torch.histogram(
            column, count, range=None if range is None else tuple(range[2 * i : 2 * i + 2])
        ).bin_edges
        for i, (column, count) in enumerate(zip(columns, counts))
    ]


def _density(counts, edges):
    volumes = torch.ones_like(counts)
    for axis, of_axis in enumerate(edges):
        shape = [1] * counts.ndim
        shape[axis] = -1
        volumes = volumes * of_axis.diff().reshape(shape)
    return counts / (counts.sum() * volumes)


def _linspace(start, end, steps, *, dtype=None, **options):
    if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
        # torch truncates steps of float64, which no target has.
        raise NotImplementedError("whole numbers between ends that are only known at run time")
    return torch.linspace(start, end, steps, dtype=dtype, **options)


def _combinations(self, r=2, with_replacement=False):
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = list(choose(range(self.shape[0]), r))
    if not chosen or r == 0:
        raise NotImplementedError("nothing chosen")
    return self[torch.tensor(chosen)]


def _cov(self, *, correction=1, fweights=None, aweights=None):
    rows = self.reshape(1, -1) if self.ndim < 2 else self
    weights = fweights if aweights is None else aweights
    if fweights is not None and aweights is not None:
        weights = fweights * aweights
    total = rows.shape[1] if weights is None else weights.sum()
    weighted = rows if weights is None else rows * weights
    rows = rows - (weighted.sum(1) / total).unsqueeze(1)
    lost = correction
    if aweights is not None and correction != 0:
        lost = correction * (weights * aweights).sum() / total
    weighted = rows if weights is None else rows * weights
    norm = total - lost
    norm = norm.clamp(min=0) if isinstance(norm, torch.Tensor) else max(norm, 0)
    return (rows @ weighted.t().conj() / norm).squeeze()


def _corrcoef(self):
    covariance = _cov(self)
    if covariance.ndim == 0:
        return covariance / covariance
    if covariance.is_complex():
        raise NotImplementedError("of complex numbers")
    deviations = covariance.diagonal().sqrt()
    scaled = covariance / deviations.reshape(-1, 1) / deviations.reshape(1, -1)
    return scaled.clamp(-1, 1)


# By the name of the schema; the functions take the operator's arguments.
REWRITES: dict[str, Callable] = DERIVATIVES | {
    "aten::combinations": _combinations,
    "aten::corrcoef": _corrcoef,
    "aten::cov": _cov,
    "aten::fill_diagonal_": _fill_diagonal,
    "aten::histogramdd": _histogramdd,
    "aten::linspace": _linspace,
    "torch_nn::_linear_cross_entropy_batch_chunked": _linear_cross_entropy,
    "torch_nn::_linear_cross_entropy_batch_chunked_no_reduction": _linear_cross_entropy_of_each,
}
