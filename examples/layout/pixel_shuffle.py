"""Pixel unshuffle, a convolution and pixel shuffle are three operators.

PyTorch and TensorFlow order the channels of a block differently. The difference is a permutation of
the convolution's input and output channels, so its weights take it, and the file has the target's
own operators around it. The model is an ordinary one.

python -m examples.layout.pixel_shuffle
"""

import torch
from torch import nn

from examples.carry import carry, claim, operators

BLOCK, CHANNELS = 4, 3

if __name__ == "__main__":
    torch.manual_seed(0)
    wide = CHANNELS * BLOCK * BLOCK
    net = nn.Sequential(
        nn.PixelUnshuffle(BLOCK),
        nn.Conv2d(wide, wide, kernel_size=1),
        nn.PixelShuffle(BLOCK),
    )
    images = [(torch.randn(1, CHANNELS, 64, 64),) for _ in range(3)]
    model = carry(net, images, input_layout="channels_last", output_layout="channels_last")
    wanted = {"SPACE_TO_DEPTH": 1, "CONV_2D": 1, "DEPTH_TO_SPACE": 1}
    claim("three operators", operators(model) == wanted)
