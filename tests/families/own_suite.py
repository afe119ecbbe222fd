"""Small networks of kinds that the libraries of models lack."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from families.family import Family, Inputs
from models import torchvision_ops


def families() -> list[Family]:
    return [
        _family("lstm", lambda: Recurrent(nn.LSTM), lambda: torch.randn(2, 30, 16)),
        _family("gru", lambda: Recurrent(nn.GRU), lambda: torch.randn(2, 30, 16)),
        _family("crnn", CRNN, lambda: torch.randn(1, 1, 32, 96)),
        _family("conv_tasnet", ConvTasNet, lambda: torch.randn(1, 1, 800)),
        _family("diffusion_unet", DiffusionUNet, lambda: torch.randn(1, 3, 32, 32), _time),
        _family("nerf", NeRF, lambda: torch.randn(256, 3)),
        _family("graph_convolution", GraphConvolution, lambda: torch.randn(20, 8), _edges),
        _family("mamba_scan", MambaScan, lambda: torch.randn(1, 24, 16)),
        _family("yolo_with_nms", YoloWithNms, lambda: torch.randn(1, 3, 96, 128)),
    ]


def _family(name: str, make, *tensors) -> Family:
    def inputs(seed: int) -> Inputs:
        return tuple(tensor() for tensor in tensors), {}

    return Family("own", name, make, inputs)


def _time() -> torch.Tensor:
    return torch.randint(0, 1000, (1,))


def _edges() -> torch.Tensor:
    return torch.randint(0, 20, (2, 60))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.layers = kind(16, 24, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(48, 5)

    def forward(self, x):
        return self.head(self.layers(x)[0])


class CRNN(nn.Module):
    """Reads a line of text: convolutions, columns as steps of an LSTM, a class for each step."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d((4, 2)),
            nn.Conv2d(32, 32, (4, 1)), nn.ReLU(),
        )  # fmt: skip
        self.reader = nn.LSTM(32, 32, bidirectional=True)
        self.head = nn.Linear(64, 37)

    def forward(self, x):
        columns = self.features(x).squeeze(2).permute(2, 0, 1)
        return F.log_softmax(self.head(self.reader(columns)[0]), 2)


class TemporalBlock(nn.Module):
    def __init__(self, channels: int, dilation: int):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(channels, 2 * channels, 1), nn.PReLU(), nn.GroupNorm(1, 2 * channels),
            nn.Conv1d(2 * channels, 2 * channels, 3, padding=dilation, dilation=dilation,
                      groups=2 * channels),
            nn.PReLU(), nn.GroupNorm(1, 2 * channels), nn.Conv1d(2 * channels, channels, 1),
        )  # fmt: skip

    def forward(self, x):
        return x + self.net(x)


class ConvTasNet(nn.Module):
    """Separates two speakers by masks over a learned filter bank."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Conv1d(1, 32, 16, stride=8, bias=False)
        self.norm = nn.GroupNorm(1, 32)
        self.blocks = nn.Sequential(*[TemporalBlock(32, 2**i) for i in range(4)])
        self.masks = nn.Conv1d(32, 64, 1)
        self.decoder = nn.ConvTranspose1d(32, 1, 16, stride=8, bias=False)

    def forward(self, x):
        code = self.encoder(x)
        masks = self.masks(self.blocks(self.norm(code))).sigmoid().chunk(2, 1)
        return torch.stack([self.decoder(code * mask) for mask in masks], 1)


class TimeBlock(nn.Module):
    def __init__(self, channels_in: int, channels: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, channels_in), nn.GroupNorm(8, channels)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.time = nn.Linear(64, channels)
        self.skip = nn.Conv2d(channels_in, channels, 1)

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x))) + self.time(F.silu(time))[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(h)))


class PixelAttention(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.qkv, self.out = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, 4, c // 4, h * w).transpose(3, 4).unbind(1)
        seen = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(seen.transpose(2, 3).reshape(b, c, h, w))


class DiffusionUNet(nn.Module):
    """Predicts noise from an image and a time step, with attention at the bottom."""

    def __init__(self):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, 64))
        self.stem, self.head = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 3, 3, padding=1)
        self.down1, self.down2 = TimeBlock(32, 32), TimeBlock(32, 64)
        self.middle, self.attention = TimeBlock(64, 64), PixelAttention(64)
        self.up2, self.up1 = TimeBlock(128, 32), TimeBlock(64, 32)
        self.shrink = nn.Conv2d(32, 32, 3, stride=2, padding=1)

    def forward(self, x, step):
        rates = torch.exp(-math.log(10000.0) * torch.arange(16) / 16)
        angles = step[:, None].float() * rates
        time = self.time(torch.cat([angles.sin(), angles.cos()], 1))
        fine = self.down1(self.stem(x), time)
        coarse = self.down2(self.shrink(fine), time)
        middle = self.attention(self.middle(coarse, time))
        up = self.up2(torch.cat([middle, coarse], 1), time)
        up = F.interpolate(up, scale_factor=2.0, mode="nearest")
        return self.head(self.up1(torch.cat([up, fine], 1), time))


class NeRF(nn.Module):
    """Colour and density at points, from sines and cosines of their coordinates."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(63, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.second = nn.Sequential(nn.Linear(127, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, points):
        scaled = (points[..., None] * 2.0 ** torch.arange(10)).flatten(1)
        code = torch.cat([points, scaled.sin(), scaled.cos()], 1)
        out = self.second(torch.cat([self.first(code), code], 1))
        return torch.sigmoid(out[:, :3]), F.softplus(out[:, 3])


class GraphConvolution(nn.Module):
    """Sums what neighbours say along edges that are given at run time."""

    def __init__(self):
        super().__init__()
        self.message, self.update = nn.Linear(8, 16), nn.Linear(24, 4)

    def forward(self, x, edges):
        said = self.message(x)[edges[0]]
        received = torch.zeros(x.shape[0], 16).index_add(0, edges[1], said)
        count = torch.zeros(x.shape[0]).index_add(0, edges[1], torch.ones(edges.shape[1]))
        return self.update(torch.cat([x, received / count.clamp(min=1)[:, None]], 1))


class MambaScan(nn.Module):
    """A selective state space, step by step."""

    def __init__(self):
        super().__init__()
        self.rates = nn.Parameter(torch.rand(16, 4))
        self.parts = nn.Linear(16, 16 + 4 + 4)

    def forward(self, x):
        delta, b, c = self.parts(x).split([16, 4, 4], -1)
        delta = F.softplus(delta)
        decay = torch.exp(-delta[..., None] * self.rates)
        given = delta[..., None] * b[:, :, None, :] * x[..., None]
        state = torch.zeros(x.shape[0], 16, 4)
        seen = []
        for step in range(x.shape[1]):
            state = decay[:, step] * state + given[:, step]
            seen.append((state * c[:, step, None, :]).sum(-1))
        return torch.stack(seen, 1)


class YoloWithNms(nn.Module):
    """Boxes from a grid of cells, those of a low score and those that overlap better ones left out
    inside the graph: as many results as the image has."""

    def __init__(self):
        super().__init__()
        self.ops = torchvision_ops.with_operators().ops
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.SiLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.SiLU(),
            nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.SiLU(),
        )  # fmt: skip
        self.head = nn.Conv2d(32, 5 + 4, 1)

    def forward(self, image):
        cells = self.head(self.body(image))[0].flatten(1).T
        rows, columns = image.shape[2] // 8, image.shape[3] // 8
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        corners = torch.stack([x.flatten(), y.flatten()], 1)
        centres = (cells[:, :2].sigmoid() + corners) * 8
        halves = cells[:, 2:4].exp() * 12
        scores, classes = (cells[:, 4:5].sigmoid() * cells[:, 5:].softmax(1)).max(1)
        boxes = torch.cat([centres - halves, centres + halves], 1)
        likely = scores > 0.13
        boxes, scores, classes = boxes[likely], scores[likely], classes[likely]
        kept = self.ops.batched_nms(boxes, scores, classes, 0.45)[:50]
        return {"boxes": boxes[kept], "scores": scores[kept], "classes": classes[kept]}
