"""Weights that are computed from the input stay computed, in convolutions and linear layers.

The kernel of one picture is of no use for the next. Each call makes its own, in the file as in
PyTorch.

python -m examples.operators.computed_weights
"""

import torch
import torch.nn.functional as F
from torch import nn

from examples.carry import carry


class KernelFromPicture(nn.Module):
    def __init__(self):
        super().__init__()
        self.make = nn.Linear(3, 4 * 3 * 3 * 3)

    def forward(self, image):
        weight = self.make(image.mean((0, 2, 3))).reshape(4, 3, 3, 3)
        return F.conv2d(image, weight, padding=1)


class KernelsOfEachChannel(nn.Module):
    def forward(self, image):
        """A blur of each channel whose width is the channel's own deviation."""
        width = image.std((0, 2, 3)).reshape(-1, 1, 1, 1)
        at = torch.arange(-1, 2, dtype=image.dtype)
        weight = torch.exp(-(at[:, None] ** 2 + at**2) / width)
        weight = weight / weight.sum((2, 3), keepdim=True)
        return F.conv2d(image, weight, padding=1, groups=3)


class LinearFromContext(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Linear(6, 5 * 8), nn.Linear(6, 5)

    def forward(self, x, context):
        return F.linear(x, self.weight(context).reshape(5, 8), self.bias(context))


if __name__ == "__main__":
    torch.manual_seed(0)
    images = [(scale * torch.randn(1, 3, 16, 16),) for scale in (1, 2, 5)]
    carry(KernelFromPicture(), images)
    carry(KernelsOfEachChannel(), images)
    carry(LinearFromContext(), [(torch.randn(2, 8), torch.randn(6)) for _ in range(3)])
