"""Kinds of networks that no package here brings along, at small usual sizes: a diffusion U-Net with
attention and a timestep, and separation of speech by dilated convolutions (Conv-TasNet)."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, time: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, inputs), nn.GroupNorm(8, outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.time = nn.Linear(time, outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, time):
        y = self.conv1(F.silu(self.norm1(x))) + self.time(F.silu(time))[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(y)))


class ImageAttention(nn.Module):
    def __init__(self, channels: int, heads: int = 4):
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.heads = heads

    def forward(self, x):
        batch, channels, height, width = x.shape
        rows = self.norm(x).flatten(2).transpose(1, 2)
        parts = self.qkv(rows).view(batch, height * width, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(*parts.unbind(0))
        y = self.out(y.transpose(1, 2).reshape(batch, height * width, channels))
        return x + y.transpose(1, 2).reshape(x.shape)


class DiffusionUnet(nn.Module):
    """Image and time step -> noise."""

    def __init__(self, width: int = 32):
        super().__init__()
        wide, time = 2 * width, 4 * width
        self.width = width
        self.time = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down1, self.down2 = ResidualBlock(width, width, time), ResidualBlock(width, wide, time)
        self.shrink1 = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.shrink2 = nn.Conv2d(wide, wide, 3, stride=2, padding=1)
        self.middle1, self.attention = ResidualBlock(wide, wide, time), ImageAttention(wide)
        self.middle2 = ResidualBlock(wide, wide, time)
        self.up2 = ResidualBlock(2 * wide, width, time)
        self.up1 = ResidualBlock(2 * width, width, time)
        self.grow2 = nn.Conv2d(wide, wide, 3, padding=1)
        self.grow1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm, self.head = nn.GroupNorm(8, width), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x, step):
        rate = torch.exp(torch.arange(self.width // 2) * (-math.log(1e4) / (self.width // 2)))
        angle = step[:, None] * rate
        time = self.time(torch.cat([angle.sin(), angle.cos()], 1))
        first = self.down1(self.stem(x), time)
        second = self.down2(self.shrink1(first), time)
        y = self.middle1(self.shrink2(second), time)
        y = self.middle2(self.attention(y), time)
        y = self.grow2(F.interpolate(y, scale_factor=2.0, mode="nearest"))
        y = self.up2(torch.cat([y, second], 1), time)
        y = self.grow1(F.interpolate(y, scale_factor=2.0, mode="nearest"))
        y = self.up1(torch.cat([y, first], 1), time)
        return self.head(F.silu(self.norm(y)))


class SeparationBlock(nn.Module):
    def __init__(self, channels: int, hidden: int, dilation: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, hidden, 1), nn.PReLU(), nn.GroupNorm(1, hidden),
            nn.Conv1d(hidden, hidden, 3, padding=dilation, dilation=dilation, groups=hidden),
            nn.PReLU(), nn.GroupNorm(1, hidden), nn.Conv1d(hidden, channels, 1),
        )  # fmt: skip

    def forward(self, x):
        return x + self.layers(x)


class ConvTasNet(nn.Module):
    """Samples of one channel -> those of two speakers."""

    def __init__(self, filters: int = 128, channels: int = 64, hidden: int = 128):
        super().__init__()
        self.encode = nn.Conv1d(1, filters, 16, stride=8, bias=False)
        self.norm, self.narrow = nn.GroupNorm(1, filters), nn.Conv1d(filters, channels, 1)
        self.blocks = nn.Sequential(
            *[SeparationBlock(channels, hidden, 2 ** (i % 6)) for i in range(12)]
        )
        self.masks = nn.Conv1d(channels, 2 * filters, 1)
        self.decode = nn.ConvTranspose1d(filters, 1, 16, stride=8, bias=False)

    def forward(self, x):
        rows = self.encode(x)
        masks = torch.sigmoid(self.masks(F.relu(self.blocks(self.narrow(self.norm(rows))))))
        parts = rows.unsqueeze(1) * masks.unflatten(1, (2, -1))
        return self.decode(parts.flatten(0, 1)).view(x.shape[0], 2, -1)
