"""44 depthwise convolutions: as many groups as channels, with one result of a channel or several.

Those of two axes that go forward are DEPTHWISE_CONV_2D in the file; so are those of one axis.

python -m examples.operators.depthwise_convolutions
"""

import itertools

import torch
from torch import nn

from examples.carry import carry, claim, operators

CHANNELS = 6
FORWARD = [
    {"padding": 0},
    {"padding": 1},
    {"padding": 2, "dilation": 2},
    {"padding": 1, "stride": 2},
    {"padding": 0, "stride": 2},
    {"padding": "same"},
]
TRANSPOSED = [
    {"padding": 0},
    {"padding": 1},
    {"padding": 0, "stride": 2},
    {"padding": 1, "stride": 2},
    {"padding": 1, "stride": 2, "output_padding": 1},
]


class Convolutions(nn.Module):
    def __init__(self, kind, ways):
        super().__init__()
        self.convolutions = nn.ModuleList(
            kind(CHANNELS, CHANNELS * multiplier, 3, groups=CHANNELS, **way)
            for multiplier, way in itertools.product((1, 2), ways)
        )

    def forward(self, x):
        return [convolution(x) for convolution in self.convolutions]


def convolutions():
    """Modules with so many positions each."""
    for kind, ways in ((nn.Conv1d, FORWARD), (nn.ConvTranspose1d, TRANSPOSED)):
        yield Convolutions(kind, ways), (10,)
    for kind, ways in ((nn.Conv2d, FORWARD), (nn.ConvTranspose2d, TRANSPOSED)):
        yield Convolutions(kind, ways), (10, 9)


if __name__ == "__main__":
    torch.manual_seed(0)
    total = 0
    for net, positions in convolutions():
        total += len(net.convolutions)
        images = [(torch.randn(1, CHANNELS, *positions),) for _ in range(2)]
        model = carry(net, images)
        if isinstance(net.convolutions[0], (nn.Conv1d, nn.Conv2d)):
            depthwise = operators(model).get("DEPTHWISE_CONV_2D", 0)
            claim("each is the depthwise operator", depthwise == len(net.convolutions))
    claim("44 convolutions", total == 44)
