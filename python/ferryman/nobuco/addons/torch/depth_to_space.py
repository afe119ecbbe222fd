"""Channels as blocks of an image, in TensorFlow's order."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .util import channel_interleave2d


class DepthToSpace(nn.Module):
    """tf.nn.depth_to_space of [batch, channels, height, width]."""

    def __init__(self, block_size: int):
        super().__init__()
        self.block_size = block_size

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        x = channel_interleave2d(input, self.block_size, reverse=True)
        return F.pixel_shuffle(x, self.block_size)
