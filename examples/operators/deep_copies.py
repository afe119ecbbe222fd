"""Copies of a layer have weights of their own; one layer that is used four times has one set.

python -m examples.operators.deep_copies
"""

import copy

import torch
from torch import nn

from examples.carry import carry, claim

LAYERS, WIDTH = 4, 32


class Copies(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layers = nn.ModuleList(copy.deepcopy(layer) for _ in range(LAYERS))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Repeated(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        for _ in range(LAYERS):
            x = self.layer(x)
        return x


def with_weights_of_their_own(net):
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.2)
    return net


def num_parameters(net):
    return sum(parameter.numel() for parameter in net.parameters())


if __name__ == "__main__":
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(WIDTH, 4, dim_feedforward=64, batch_first=True)
    copies, repeated = with_weights_of_their_own(Copies(layer)), Repeated(layer)
    inputs = [(torch.randn(2, 6, WIDTH),) for _ in range(3)]
    sizes = {}
    for net in (copies, repeated):
        model = carry(net, inputs)
        sizes[net] = model.report.native.file_bytes
        print(f"{num_parameters(net)} parameters, {sizes[net]} bytes")
    more = num_parameters(copies) - num_parameters(repeated)
    claim("the copies' weights are in the file", sizes[copies] - sizes[repeated] >= 4 * more)
    claim("the repeated layer's are there once", sizes[repeated] < 4 * 2 * num_parameters(repeated))
    claim("copies are no repetition", not torch.allclose(copies(*inputs[0]), repeated(*inputs[0])))
