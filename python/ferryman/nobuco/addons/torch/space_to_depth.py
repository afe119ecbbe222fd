"""Blocks of an image as channels, in TensorFlow's order."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .util import channel_interleave2d


class SpaceToDepth(nn.Module):
    """tf.nn.space_to_depth of [batch, channels, height, width]."""

    def __init__(self, block_size: int):
        super().__init__()
        self.block_size = block_size

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        x = F.pixel_unshuffle(input, self.block_size)
        return channel_interleave2d(x, self.block_size, reverse=False)
