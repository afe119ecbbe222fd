"""Blocks of which YOLO's networks are made: cross-stage parts, a pyramid of pools, a backbone."""

import torch
from torch import nn


class Convolution(nn.Sequential):
    def __init__(self, inputs, outputs, kernel=1, stride=1):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3),
            nn.SiLU(inplace=True),
        )


class Bottleneck(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = Convolution(width, width, 3), Convolution(width, width, 3)

    def forward(self, x):
        return x + self.second(self.first(x))


class CrossStage(nn.Module):
    """Half of the channels goes through bottlenecks, and all that they give is kept."""

    def __init__(self, inputs, outputs, depth=1):
        super().__init__()
        half = outputs // 2
        self.enter = Convolution(inputs, outputs)
        self.blocks = nn.ModuleList(Bottleneck(half) for _ in range(depth))
        self.leave = Convolution((2 + depth) * half, outputs)

    def forward(self, x):
        parts = list(self.enter(x).chunk(2, 1))
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class PyramidPool(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.enter, self.leave = Convolution(width, width // 2), Convolution(2 * width, width)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class Backbone(nn.Module):
    """Maps of features at an eighth and a sixteenth of the picture's size, the finer one first."""

    def __init__(self, width=16):
        super().__init__()
        self.stem = nn.Sequential(Convolution(3, width, 3, 2), Convolution(width, width, 3, 2))
        self.fine = nn.Sequential(
            Convolution(width, 2 * width, 3, 2),
            CrossStage(2 * width, 2 * width),
        )
        self.coarse = nn.Sequential(
            Convolution(2 * width, 4 * width, 3, 2),
            CrossStage(4 * width, 4 * width),
            PyramidPool(4 * width),
        )
        self.up = nn.Upsample(scale_factor=2)
        self.join = CrossStage(6 * width, 2 * width)
        self.widths = (2 * width, 4 * width)

    def forward(self, image):
        fine = self.fine(self.stem(image))
        coarse = self.coarse(fine)
        return self.join(torch.cat([self.up(coarse), fine], 1)), coarse
