"""An image whose pixels are moved by a field of offsets."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class DenseImageWarp(nn.Module):
    """image [batch, channels, height, width], flow [batch, 2, height, width], rows first: pixel
    (i, j) of the result is that at (i, j) - flow, between pixels bilinear, beyond the border the
    border's."""

    def forward(self, image: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        height, width = flow.shape[2:]
        rows = torch.arange(height, dtype=flow.dtype)[:, None] - flow[:, 0]
        columns = torch.arange(width, dtype=flow.dtype)[None, :] - flow[:, 1]
        grid = torch.stack([columns * 2 / (width - 1) - 1, rows * 2 / (height - 1) - 1], dim=-1)
        return F.grid_sample(image, grid, padding_mode="border", align_corners=True)
