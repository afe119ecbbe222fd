"""Operators along axes of free size: each small function on other sizes than the example's."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ferryman


def _up_to_the_diagonal(x):
    places = torch.arange(x.shape[1])
    return torch.zeros(x.shape[0], x.shape[1], x.shape[1]) + (places[None] <= places[:, None])


def _row_written(x):
    y = x.clone()
    y[:, 0] = 5.0
    return y


def _padded_to_a_multiple(x):
    size = x.shape[1]
    return F.avg_pool1d(F.pad(x, (0, -size % 4))[:, None], 4)


# Of a tensor [rows, columns], both free.
TAKEN = {
    # Sizes as numbers, and what is made of them.
    "quotient by a size": lambda x: x / x.shape[1],
    "root of a size": lambda x: x / x.shape[1] ** 0.5,
    "mean by hand": lambda x: x.sum(1) / x.shape[1],
    "full": lambda x: torch.full((x.shape[1],), 2.0) + x,
    "triangle": _up_to_the_diagonal,
    "lengths": lambda x: (torch.arange(x.shape[1])[None] < x[:, :1].abs() * 2 + 1).float() * x,
    "rows of a table": lambda x: x + torch.linspace(0, 1, 64)[: x.shape[1]],
    "embedding": lambda x: (
        F.embedding(torch.arange(x.shape[1]), torch.arange(64.0)[:, None]) + x.sum()
    ),
    "triu": lambda x: torch.triu(torch.ones(x.shape[1], x.shape[1]), 1) + x.sum(),
    # Shapes and parts.
    "view": lambda x: x.view(x.shape[0], -1, 1),
    "flatten": lambda x: x.flatten(),
    "stack": lambda x: torch.stack([x, x]),
    "cat": lambda x: torch.cat([x, x], 1),
    "expand": lambda x: x[:, :1].expand(-1, x.shape[1]),
    "repeat": lambda x: x.repeat(2, 1),
    "repeat by a size": lambda x: x[:, :1].repeat(1, x.shape[1]),
    "repeat_interleave": lambda x: x.repeat_interleave(2, 1),
    "last": lambda x: x[:, -1],
    "half": lambda x: x[:, : x.shape[1] // 2],
    "flip": lambda x: x.flip(1),
    "roll": lambda x: torch.roll(x, 1, 1),
    "roll by more than there is": lambda x: torch.roll(x, (10000, -19), (0, 1)),
    "roll of all": lambda x: torch.roll(x, -31),
    "roll by a size": lambda x: torch.roll(x, x.shape[1] // 2, 1),
    "unfold": lambda x: x.unfold(1, 2, 1),
    "chosen columns": lambda x: x[:, torch.tensor([0, 1])],
    "row written": _row_written,
    "pad to a multiple": _padded_to_a_multiple,
    "reflect": lambda x: F.pad(x[:, None], (2, 1), mode="reflect"),
    "circular": lambda x: F.pad(x[:, None], (2, 1), mode="circular"),
    "replicate": lambda x: F.pad(x[:, None], (2, 1), mode="replicate"),
    # Along the axis.
    "mean": lambda x: x.mean(1),
    "var": lambda x: x.var(1),
    "logsumexp": lambda x: x.logsumexp(1),
    "softmax": lambda x: x.softmax(1),
    "cumsum": lambda x: x.cumsum(1),
    "argmax": lambda x: x.argmax(1),
    "cumprod": lambda x: x.cumprod(1),
    "topk": lambda x: x.topk(2, 1)[0],
    "topk of a share": lambda x: x.topk(x.shape[1] // 2, 1)[0],
    "sort": lambda x: x.sort(1)[0],
    "argsort": lambda x: x.argsort(1, descending=True),
    "median": lambda x: x.median(1)[0],
    "kthvalue": lambda x: x.kthvalue(2, 1)[0],
    "bucketize": lambda x: torch.bucketize(x, x[0].sort()[0]),
    "scatter": lambda x: torch.zeros_like(x).scatter(
        1, torch.zeros(x.shape[0], 1, dtype=torch.long), 1.0
    ),
    "index_add": lambda x: x.index_add(1, torch.tensor([0, 2]), x[:, :2]),
    "diagonal": lambda x: x.diagonal(1),
    "tensor_split": lambda x: torch.cat(x[:, :-1].tensor_split((1, -2), 1)[::-1], 1),
    "glu": lambda x: F.glu(torch.cat([x, x], 1), 1),
    "angle": lambda x: x.angle(),
    "isreal": lambda x: x.isreal(),
    "gather": lambda x: x.gather(1, torch.zeros(x.shape[0], 2, dtype=torch.long)),
    "instance norm": lambda x: F.instance_norm(x[:, None].expand(-1, 4, -1)),
    "conv": lambda x: F.conv1d(x[:, None], torch.ones(2, 1, 3), padding=1, stride=2),
    "conv_transpose": lambda x: F.conv_transpose1d(x[:, None], torch.ones(1, 2, 4), stride=2),
    "avg_pool": lambda x: F.avg_pool1d(x[:, None], 3, stride=2, padding=1, count_include_pad=False),
    "adaptive_avg_pool": lambda x: F.adaptive_avg_pool1d(x[:, None], 3),
    "adaptive_max_pool": lambda x: F.adaptive_max_pool1d(x[:, None], 2),
    "max_pool indices": lambda x: F.max_pool1d(x[:, None], 2, return_indices=True)[1],
    "cubic": lambda x: F.interpolate(
        x[None, None], size=(x.shape[0] * 2, x.shape[1] // 2), mode="bicubic"
    ),
    "antialiased": lambda x: F.interpolate(
        x[None, None], size=(3, 3), mode="bilinear", antialias=True
    ),
    "grid_sample": lambda x: F.grid_sample(
        x[None, None], torch.tanh(x)[None, :, :, None].expand(-1, -1, -1, 2), align_corners=False
    ),
    "nothing": lambda x: F.adaptive_avg_pool1d(x[:0, None], 2).sum() + x,
    "nearest": lambda x: F.interpolate(x[:, None], scale_factor=2),
    "linear": lambda x: F.interpolate(x[:, None], size=x.shape[1] * 2, mode="linear"),
    # Products.
    "matmul": lambda x: x @ x.T,
    "einsum": lambda x: torch.einsum("bi,bj->bij", x, x),
    "cdist": lambda x: torch.cdist(x[:, :, None], x[:, :, None]),
    "causal attention": lambda x: F.scaled_dot_product_attention(
        *(3 * [x[:, None, :, None]]), is_causal=True
    ),
}

# What needs a number is refused with its place, and never frozen.
REFUSED = {
    "fft": lambda x: torch.fft.fft(x).abs(),
    "inverse": lambda x: torch.linalg.inv(x @ x.T),
    "as_strided": lambda x: x.as_strided((2, 2), (1, 2)),
}


class _Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def _convert(function) -> ferryman.Model:
    return ferryman.convert(
        _Function(function), (torch.randn(3, 6),), dynamic_shapes=({0: "rows", 1: "columns"},),
        verify=False, progress=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_a_function_of_free_sizes(name):
    model = _convert(TAKEN[name])
    for shape in ((4, 4), (2, 9), (3, 6)):
        x = torch.randn(shape)
        torch.testing.assert_close(model(x), TAKEN[name](x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_a_number_is_refused_with_its_place(name):
    with pytest.raises(ferryman.UnsupportedOps, match="a size that is free is needed") as refusal:
        _convert(REFUSED[name])
    assert "test_free_ops.py" in str(refusal.value)
