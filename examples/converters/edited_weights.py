"""A conversion in the body of a converter, whose weights are edited in between.

A batch norm in front of a convolution is folded into it by hand: the body converts the convolution
alone, and changes its weights through model.weights, which has PyTorch's keys and shapes as arrays.
While the program is traced the module's own parameters have no values, so that those of the norm
are read from a conversion, too; what a body converts is converted once. Ferryman folds the same by
itself, into the same operators: this is for what it does not know.

python -m examples.converters.edited_weights
"""

import copy

import numpy as np
import torch
from torch import nn

import ferryman
from examples.carry import carry, claim, operators


class NormFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.convolution = nn.BatchNorm2d(3), nn.Conv2d(3, 16, 3)
        for statistic in (self.norm.running_mean, self.norm.weight, self.norm.bias):
            nn.init.normal_(statistic)

    def forward(self, image):
        return self.convolution(self.norm(image))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = NormFirst()

    def forward(self, image):
        return torch.relu(self.first(image))


LAYOUTS = {"input_layout": "channels_last", "output_layout": "channels_last"}


@ferryman.converter(NormFirst, target="tflite")
def folded(module, image):
    example = torch.zeros(1, 3, 32, 32)
    norm = ferryman.convert(module.norm, (example,), progress=False).weights
    scale = norm["weight"] / np.sqrt(norm["running_var"] + module.norm.eps)
    shift = norm["bias"] - norm["running_mean"] * scale
    part = ferryman.convert(module.convolution, (example,), progress=False, **LAYOUTS)
    kernel = part.weights["weight"]
    part.weights["weight"] = kernel * scale.reshape(1, -1, 1, 1)
    part.weights["bias"] = part.weights["bias"] + np.einsum("oihw,i->o", kernel, shift)
    return part(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # which costs nothing


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Net()
    before = copy.deepcopy(net.state_dict())
    images = [(3 * torch.randn(1, 3, 32, 32) + 1,) for _ in range(3)]
    by_hand = carry(net, images, **LAYOUTS)
    claim("the norm is gone", operators(by_hand) == {"CONV_2D": 1})
    ferryman.unregister(folded)
    by_itself = carry(net, images, **LAYOUTS)
    claim("without help as well", operators(by_itself) == operators(by_hand))
    unchanged = all(torch.equal(before[key], now) for key, now in net.state_dict().items())
    claim("the module's weights are what they were", unchanged)
