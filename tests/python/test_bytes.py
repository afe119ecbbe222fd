"""Whole numbers of 8 and 16 bits, and images of bytes, which torch resizes in whole numbers."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils import _pytree as pytree

import ferryman

SMALL = [torch.uint8, torch.int8, torch.int16]


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def draw(seed, dtype, shape=(2, 5, 3)):
    generator = torch.Generator().manual_seed(seed)
    info = torch.iinfo(dtype)
    near = torch.randint(info.max - 3, info.max + 1, shape, generator=generator)
    far = torch.randint(info.min, info.max + 1, shape, generator=generator)
    return (near if seed % 2 else far).to(dtype)


OPS = {
    "argmax": lambda x: x.argmax(1),
    "argmin of all": lambda x: x.argmin(),
    "max": lambda x: x.max(-1),
    "min": lambda x: x.min(0),
    "largest and smallest": lambda x: (x.amax((0, 2)), x.max(), x.aminmax(dim=1)),
    "topk": lambda x: x.topk(2, 1).values,
    "sort": lambda x: x.sort(dim=-1, stable=True),
    "median": lambda x: x.median(1).values,
    "comparisons": lambda x: [x == 3, x != x.flip(0), x < 4, x >= x.amax(), x.eq(x[0])],
    "arithmetic": lambda x: [x + x, x * 3, x // 2, x % 5, x.clamp(1, 9), -x],
    "bits": lambda x: [x & 6, x | 1, x ^ x.flip(0), ~x],
    "sums": lambda x: [x.sum(), x.sum(1), x.cumsum(0), x.prod(0)],
    "masks": lambda x: [torch.where(x > 2, x, 0), x.masked_fill(x == 1, 7), (x > 2).any(1)],
    "moves": lambda x: [F.pad(x, (1, 2), value=3), x.roll(1, 1), x.flip(2), torch.cat([x, x], 1)],
    "positions": lambda x: [x.gather(1, x.argsort(dim=1, stable=True)), x[:, torch.tensor([1, 0])]],
}


@pytest.mark.parametrize("dtype", SMALL, ids=str)
@pytest.mark.parametrize("name", OPS)
def test_small_whole_numbers_are_exact(name, dtype):
    function = OPS[name]
    model = ferryman.convert(Function(function).eval(), (draw(0, dtype),), progress=False)
    for seed in range(1, 5):
        x = draw(seed, dtype)
        for got, wanted in zip(
            pytree.tree_leaves(model(x)), pytree.tree_leaves(function(x)), strict=True
        ):
            torch.testing.assert_close(got, wanted, rtol=0, atol=0)


RESIZES = {
    "nearest": lambda x: F.interpolate(x, (9, 4)),
    "nearest-exact": lambda x: F.interpolate(x, (5, 13), mode="nearest-exact"),
    **{
        f"{mode} to {size}{' smoothly' if antialias else ''}{' by corners' if corners else ''}": (
            lambda x, m=mode, s=size, a=antialias, c=corners: F.interpolate(
                x, s, mode=m, antialias=a, align_corners=c
            )
        )
        for mode in ("bilinear", "bicubic")
        for size in ((20, 13), (4, 3))
        for antialias, corners in ((False, False), (True, False), (False, True))
    },
    "by a factor": lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"),
    "much smaller": lambda x: F.interpolate(x, (1, 2), mode="bilinear", antialias=True),
}


@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("name", RESIZES)
def test_images_of_bytes_are_resized_to_the_same_bytes(name, channels):
    function, shape = RESIZES[name], (2, channels, 11, 17)
    example = draw(0, torch.uint8, shape)
    model = ferryman.convert(Function(function).eval(), (example,), progress=False)
    for seed in range(4):
        x = draw(seed, torch.uint8, shape)
        torch.testing.assert_close(model(x), function(x), rtol=0, atol=0)


@pytest.mark.parametrize(
    "dtype, antialias",
    [
        (torch.float16, False),
        (torch.bfloat16, False),
        (torch.float64, False),
        (torch.float64, True),
    ],
    ids=str,
)
def test_bicubic_of_other_floats(dtype, antialias):
    def resized(x):
        return F.interpolate(x, (9, 20), mode="bicubic", antialias=antialias)

    example = torch.randn(1, 3, 11, 17).to(dtype)
    model = ferryman.convert(Function(resized).eval(), (example,), progress=False)
    x = torch.randn(1, 3, 11, 17).to(dtype)
    tolerance = 1e-5 if dtype is torch.float64 else 2e-2
    torch.testing.assert_close(model(x), resized(x), rtol=tolerance, atol=tolerance)
