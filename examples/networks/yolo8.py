"""A detector of YOLO v8's kind: no anchors, and distances as means over a distribution.

To TFLite, and to Keras, where the model is a live one with the modules' names.

python -m examples.networks.yolo8
"""

import torch
from torch import nn

from examples.carry import carry, claim
from examples.networks.yolo_blocks import Backbone, Convolution

CLASSES, BINS, STRIDES = 4, 16, (8, 16)


def head(inputs, outputs):
    return nn.Sequential(Convolution(inputs, 16, 3), nn.Conv2d(16, outputs, 1))


class Expectation(nn.Module):
    """Each side's distance is the mean of a distribution over whole numbers, as a convolution."""

    def __init__(self):
        super().__init__()
        self.mean = nn.Conv2d(BINS, 1, 1, bias=False).requires_grad_(False)
        self.mean.weight.data[:] = torch.arange(float(BINS)).view(1, BINS, 1, 1)

    def forward(self, x):
        batch, _, places = x.shape
        x = x.view(batch, 4, BINS, places).transpose(2, 1).softmax(1)
        return self.mean(x).view(batch, 4, places)


class Yolo8(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.sides = nn.ModuleList(head(width, 4 * BINS) for width in self.backbone.widths)
        self.classes = nn.ModuleList(head(width, CLASSES) for width in self.backbone.widths)
        self.expectation = Expectation()

    def forward(self, image):
        """[batch, 4 + classes, boxes]: centre, size, classes."""
        maps = self.backbone(image)
        sides = torch.cat([head(x).flatten(2) for head, x in zip(self.sides, maps)], 2)
        classes = torch.cat([head(x).flatten(2) for head, x in zip(self.classes, maps)], 2)
        centres, strides = places(maps)
        before, after = self.expectation(sides).chunk(2, 1)
        first, last = centres - before, centres + after
        boxes = torch.cat([(first + last) / 2, last - first], 1) * strides
        return torch.cat([boxes, classes.sigmoid()], 1)


def places(maps):
    """The centres of all pixels, [2, boxes], and their strides, [1, boxes]."""
    centres, strides = [], []
    for x, stride in zip(maps, STRIDES):
        height, width = x.shape[2:]
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        centres.append(torch.stack((x, y)).flatten(1) + 0.5)
        strides.append(torch.full((1, height * width), float(stride)))
    return torch.cat(centres, 1), torch.cat(strides, 1)


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Yolo8()
    images = [(torch.rand(1, 3, 96, 64),) for _ in range(3)]
    carry(net, images, input_layout="channels_last")
    model = carry(net, images, target="keras", input_layout="channels_last")
    names = [layer.name for layer in model.keras.layers]
    claim("layers have the modules' names", "backbone_stem_0_0" in names)
