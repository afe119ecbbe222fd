"""Converters that use each other: the body of one calls what another stands for.

That of the module calls F.mish, which has a converter itself; the body of that one may call F.mish,
too, and gets the built-in conversion. Two that call each other in a circle are an error.

python -m examples.converters.converter_inside_converter
"""

import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from examples.carry import carry, claim


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        y = x.clone()
        F.mish(self.convolution(x), inplace=True).add_(y)
        return y + F.mish(self.convolution(x))


@ferryman.converter(Residual)
def residual(module, x):
    return x + F.mish(module.convolution(x))


@ferryman.converter(F.mish)
def mish(x, inplace=False):
    return x * torch.tanh(F.softplus(x))


@ferryman.converter(F.mish)
def built_in(x, inplace=False):
    return F.mish(x) * 1.0  # inside of its own body it is what it always was


def of_nodes(model):
    return {node.converter.partition(" ")[0] for node in model.report.nodes.values()}


if __name__ == "__main__":
    torch.manual_seed(0)
    net = nn.Sequential(Residual(4), Residual(4))
    images = [(torch.randn(1, 4, 12, 12),) for _ in range(2)]
    model = carry(net, images, converters=[residual, mish])
    claim("both are used, one in the other", {"residual", "mish"} <= of_nodes(model))
    model = carry(net, images, converters=[residual, built_in])
    claim("a body may call what it stands for", "built_in" in of_nodes(model))

    @ferryman.converter(F.softplus)
    def in_circles(x, beta=1, threshold=20):
        return torch.atanh(F.mish(x) / x)

    try:
        ferryman.convert(net, images[0], converters=[mish, in_circles], progress=False)
        message = ""
    except ferryman.CaptureError as error:
        message = str(error)
    ferryman.unregister(in_circles)
    claim("a circle is told", "circle" in message and "in_circles" in message)
