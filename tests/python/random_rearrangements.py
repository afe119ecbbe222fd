"""Random networks around one or two rearrangements of an image: dims are split, the pieces permuted
and merged, as space to depth, depth to space, windows and patches are written by hand.

    net, images = random_net(seed)      # several branches, each with an image of its own
    net(*images)                        # one result per branch
    print(net)                          # the branches as source
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

FACTORS = (2, 3, 4)

# How the dims of an image are split (b is the block, r the rest), the pieces permuted, and how many
# of them become one dim again.
PATTERNS = [
    (("r", "rb", "rb", "r"), (0, 1, 3, 2, 4, 5), (1, 1, 1, 3)),  # NHWC, space to depth
    (("r", "rb", "rb", "r"), (0, 1, 3, 4, 2, 5), (1, 1, 1, 3)),  # the same, columns first
    (("r", "r", "r", "bbr"), (0, 1, 3, 2, 4, 5), (1, 2, 2, 1)),  # NHWC, depth to space
    (("r", "r", "r", "rbb"), (0, 1, 4, 2, 5, 3), (1, 2, 2, 1)),
    (("r", "r", "rb", "rb"), (0, 1, 3, 5, 2, 4), (1, 3, 1, 1)),  # NCHW, pixel unshuffle
    (("r", "r", "rb", "rb"), (0, 3, 5, 1, 2, 4), (1, 3, 1, 1)),  # NCHW, reorg of YOLOv2
    (("r", "rbb", "r", "r"), (0, 1, 4, 2, 5, 3), (1, 1, 2, 2)),  # NCHW, pixel shuffle
    (("r", "bbr", "r", "r"), (0, 3, 4, 1, 5, 2), (1, 1, 2, 2)),  # NCHW, depth to space
    (("r", "rb", "r", "r"), (0, 2, 1, 3, 4), (1, 2, 1, 1)),  # channel shuffle
    (("r", "rb", "rb", "r"), (0, 1, 3, 2, 4, 5), (3, 1, 1, 1)),  # windows, NHWC
    (("r", "r", "rb", "rb"), (0, 2, 4, 1, 3, 5), (3, 1, 1, 1)),  # windows, NCHW
    (("r", "r", "rb", "rb"), (0, 2, 4, 3, 5, 1), (1, 2, 3)),  # patches as tokens
]


class Step(nn.Module):
    """One step with its source."""

    def __init__(self, source: str, function: Callable, layer: nn.Module | None = None):
        super().__init__()
        self.source = source
        self._function = function
        self.layer = layer

    def forward(self, x):
        return self._function(x)


class RandomNet(nn.Module):
    def __init__(self, branches: list[nn.Sequential], shapes: list[tuple[int, ...]]):
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self._shapes = shapes

    def forward(self, *images):
        return tuple(branch(image) for branch, image in zip(self.branches, images))

    def describe(self, branch: int) -> str:
        steps = " | ".join(step.source for step in self.branches[branch])
        return f"{self._shapes[branch]}: {steps}"

    def __str__(self):
        return "\n".join(self.describe(i) for i in range(len(self._shapes)))


def random_net(seed: int, num_branches: int = 6) -> tuple[RandomNet, list[torch.Tensor]]:
    generators = [_Branch(random.Random(f"{seed}/{i}")) for i in range(num_branches)]
    torch.manual_seed(seed)
    branches = [generator.build() for generator in generators]
    images = [torch.randn(generator.image) for generator in generators]
    return RandomNet(branches, [generator.image for generator in generators]).eval(), images


class _Branch:
    """Builds a branch by running it."""

    def __init__(self, choose: random.Random):
        self._choose = choose
        self._steps: list[Step] = []
        self.image: tuple[int, ...] = ()

    def build(self) -> nn.Sequential:
        sizes = [4, 6, 8, 9, 12, 16]
        channels = self._choose.choice([1, 3, 4, 8, 9, 16, 18])
        self.image = (self._choose.choice([1, 1, 2]), channels, *self._choose.choices(sizes, k=2))
        if self._choose.random() < 0.5:
            self.image = (self.image[0], *self.image[2:], channels)
        self._x = torch.randn(self.image)
        self._add_layers(most=2)
        self._rearrange()
        if self._choose.random() < 0.3:
            self._add_layers(most=1)
            self._rearrange()
        self._add_layers(most=2)
        return nn.Sequential(*self._steps)

    def _add(self, source: str, function: Callable, layer: nn.Module | None = None) -> None:
        step = Step(source, function, layer)
        with torch.no_grad():
            self._x = step(self._x)
        self._steps.append(step)

    def _add_layer(self, layer: nn.Module) -> None:
        self._add(str(layer), layer, layer)

    def _add_layers(self, most: int) -> None:
        for _ in range(self._choose.randint(0, most)):
            self._choose.choice(
                [self._conv, self._conv, self._pool, self._linear, self._linear, self._norm,
                 self._pointwise, self._turn]
            )()  # fmt: skip

    def _conv(self) -> None:
        if self._x.dim() != 4:
            return
        kernel = self._choose.choice([1, 3])
        channels = self._choose.choice([1, 4, 9, 16])
        self._add_layer(nn.Conv2d(self._x.shape[1], channels, kernel, padding=kernel // 2))

    def _pool(self) -> None:
        if self._x.dim() == 4 and min(self._x.shape[2:]) >= 2:
            self._add_layer(self._choose.choice([nn.MaxPool2d, nn.AvgPool2d])(2))

    def _linear(self) -> None:
        self._add_layer(nn.Linear(self._x.shape[-1], self._choose.choice([4, 8, 9, 16])))

    def _norm(self) -> None:
        self._add_layer(nn.LayerNorm(self._x.shape[-1]))

    def _pointwise(self) -> None:
        self._add("relu", torch.relu)

    def _turn(self) -> None:
        if self._x.dim() != 4:
            return
        perm = self._choose.choice([(0, 2, 3, 1), (0, 3, 1, 2)])
        self._add(f"permute{perm}", lambda x: x.permute(perm))

    def _rearrange(self) -> None:
        if self._x.dim() != 4:
            return
        if self._choose.random() < 0.15:
            return self._shuffle()
        split, perm, merge = self._choose.choice(PATTERNS)
        if self._choose.random() < 0.2:
            perm = tuple(self._choose.sample(perm, len(perm)))
        block = self._choose.choice(FACTORS)
        pieces = []
        for extent, parts in zip(self._x.shape, split):
            if self._choose.random() < 0.1:
                block = self._choose.choice(FACTORS)  # another one per axis
            pieces += self._pieces(extent, parts, block)
        sizes = [pieces[axis] for axis in perm]
        merged, at = [], 0
        for count in merge:
            merged.append(math.prod(sizes[at : at + count]))
            at += count
        self._add(
            f"view{tuple(pieces)}.permute{perm}.reshape{tuple(merged)}",
            lambda x: x.reshape(pieces).permute(perm).reshape(merged),
        )

    @staticmethod
    def _pieces(extent: int, parts: str, block: int) -> list[int]:
        sizes = []
        for _ in range(parts.count("b")):
            size = block if extent % block == 0 else 1
            extent //= size
            sizes.append(size)
        return [sizes.pop() if part == "b" else extent for part in parts]

    def _shuffle(self) -> None:
        _, channels, rows, columns = self._x.shape
        factor = self._choose.choice(FACTORS)
        if channels % factor**2 == 0:
            self._add(f"pixel_shuffle({factor})", lambda x: functional.pixel_shuffle(x, factor))
        elif rows % factor == 0 and columns % factor == 0:
            self._add(f"pixel_unshuffle({factor})", lambda x: functional.pixel_unshuffle(x, factor))
        elif channels % factor == 0:
            self._add(f"channel_shuffle({factor})", lambda x: functional.channel_shuffle(x, factor))
