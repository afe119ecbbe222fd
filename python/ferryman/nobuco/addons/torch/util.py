"""Channels in groups, in the other order."""

from __future__ import annotations

import torch


def channel_interleave2d(x: torch.Tensor, block_size: int, reverse: bool) -> torch.Tensor:
    """Of [batch, channels, height, width], where each channel has a group of block_size²: the
    groups come first, or with `reverse` the channels."""
    count = block_size * block_size
    groups = (count, -1) if reverse else (-1, count)
    return x.unflatten(1, groups).transpose(1, 2).flatten(1, 2)
