"""Layers that normalise: batch, frozen batch, instance, group, layer and root mean square.

A batch norm of trained statistics is a product and a sum, or nothing where a convolution is near;
the others compute their statistics in the file.

python -m examples.operators.normalisation_layers
"""

import torch
from torch import nn

from examples.carry import carry, claim, operators
from examples.vision import torchvision

CHANNELS, HEIGHT, WIDTH = 8, 12, 10


def layers():
    yield nn.BatchNorm2d(CHANNELS)
    yield torchvision.ops.FrozenBatchNorm2d(CHANNELS)
    yield nn.InstanceNorm2d(CHANNELS, affine=True)
    yield nn.InstanceNorm2d(CHANNELS)
    yield nn.GroupNorm(4, CHANNELS)
    yield nn.LayerNorm((CHANNELS, HEIGHT, WIDTH))
    yield nn.LayerNorm(WIDTH)
    yield nn.RMSNorm(WIDTH)
    yield nn.LocalResponseNorm(3)


class AllOnOneImage(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(layers())

    def forward(self, image):
        return {type(layer).__name__ + str(i): layer(image) for i, layer in enumerate(self.layers)}


def with_values_of_their_own(net):
    """As trained ones have: fresh statistics are zeros and ones, which hide mistakes."""
    for tensor in (*net.parameters(), *net.buffers()):
        if tensor.is_floating_point():
            tensor.data.uniform_(0.5, 1.5)
    return net


if __name__ == "__main__":
    torch.manual_seed(0)
    images = [(3 * torch.randn(2, CHANNELS, HEIGHT, WIDTH) + 1,) for _ in range(3)]
    carry(with_values_of_their_own(AllOnOneImage()), images)
    pair = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3), nn.BatchNorm2d(CHANNELS))
    last = {"input_layout": "channels_last", "output_layout": "channels_last"}
    model = carry(with_values_of_their_own(pair), images, **last)
    claim("behind a convolution it is in the weights", operators(model) == {"CONV_2D": 1})
