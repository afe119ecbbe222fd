"""Tensors of more axes than XNNPACK has: some operators it takes on and then cannot prepare."""

import pytest
import torch
from torch.nn import functional

import ferryman

SHAPE = (2, 3, 2, 3, 2, 3, 2)

FUNCTIONS = {
    "sum of axes apart": lambda x: x.sum((1, 3, 5)),
    "sum of the last axis": lambda x: x.sum(-1),
    "amax of every other axis": lambda x: x.amax((0, 2, 4, 6)),
    "mean, axes kept": lambda x: x.mean((1, 2, 6), keepdim=True),
    "any": lambda x: (x > 2).any(3),
    "softmax of an axis in the middle": lambda x: x.softmax(3),
    "log_softmax": lambda x: x.log_softmax(-1),
    "linear": lambda x: functional.linear(x, torch.arange(8.0).reshape(4, 2), torch.arange(4.0)),
    "cat": lambda x: torch.cat([x, x[:, :, :, :1]], 3),
    "cat of many": lambda x: torch.cat([x, -x] * 4, 2),
    "stack": lambda x: torch.stack([x[:, 0], x[:, 1]], 4),
    "roll": lambda x: x.roll(1, 3),
    "permute": lambda x: x.permute(6, 5, 4, 3, 2, 1, 0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_seven_axes_convert(name):
    generator = torch.Generator().manual_seed(0)
    example, other = (torch.randn(SHAPE, generator=generator) for _ in range(2))
    function = FUNCTIONS[name]
    model = ferryman.convert(function, (example,))
    torch.testing.assert_close(model(other), function(other), rtol=1e-5, atol=1e-5)
