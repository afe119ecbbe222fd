"""Broadcasting of different ranks with free sizes: by arithmetic and by name.

python -m examples.operators.broadcasting
"""

import torch

from examples.carry import carry


def broadcast(x, y, z):
    """x: [batch, 1, width]; y: [height, 1]; z: [width]."""
    one, other = torch.broadcast_tensors(x, y)
    return x + y * z, one, other - one, torch.broadcast_to(z, (2, 3, *z.shape)), z.expand_as(one)


def inputs(batch, height, width):
    return torch.randn(batch, 1, width), torch.randn(height, 1), torch.randn(width)


if __name__ == "__main__":
    torch.manual_seed(0)
    free = {"x": {0: "batch", 2: "width"}, "y": {0: "height"}, "z": {0: "width"}}
    carry(broadcast, [inputs(2, 3, 4), inputs(1, 5, 2), inputs(4, 2, 7)], dynamic_shapes=free)
