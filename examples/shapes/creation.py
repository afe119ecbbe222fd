"""Fifteen ways to create a tensor of the input's size, which is free.

python -m examples.shapes.creation
"""

import torch

from examples.carry import carry, claim


def created(x):
    """x: [batch, width]."""
    batch, width = x.shape
    return {
        "zeros": torch.zeros(batch, width),
        "ones": torch.ones((width, batch)),
        "full": torch.full((batch, 2), 1.5),
        "new_zeros": x.new_zeros(width),
        "new_ones": x.new_ones(1, width),
        "new_full": x.new_full((batch,), 7),
        "zeros_like": torch.zeros_like(x),
        "ones_like": torch.ones_like(x, dtype=torch.int32),
        "full_like": torch.full_like(x, -1.0),
        "zero_": x.clone().zero_(),
        "fill_": torch.empty_like(x).fill_(2.0),
        "arange": torch.arange(batch) * 2,
        "tensor": torch.tensor(3.5) * x,
        "scalar_tensor": torch.scalar_tensor(width),
        "as_tensor": torch.as_tensor([1, 2, 3]).repeat(batch),
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(batch, width),) for batch, width in ((2, 3), (5, 4), (1, 7))]
    model = carry(created, inputs, dynamic_shapes={"x": {0: "batch", 1: "width"}})
    claim("fifteen tensors", len(model.outputs) == 15)
