"""A detector of YOLO v5's kind: anchors, whose grid the module makes when it first sees a size.

The grid is a cache, not state: it is a constant of the file, and nothing has to run before.

python -m examples.networks.yolo5
"""

import torch
from torch import nn

from examples.carry import carry, claim
from examples.networks.yolo_blocks import Backbone

CLASSES, STRIDES = 4, (8, 16)
ANCHORS = torch.tensor([[[10.0, 13], [16, 30], [33, 23]], [[30.0, 61], [62, 45], [59, 119]]])


class Head(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.outputs = 5 + CLASSES
        self.grids = [None] * len(widths)
        self.convolutions = nn.ModuleList(nn.Conv2d(width, 3 * self.outputs, 1) for width in widths)

    def grid(self, i, height, width):
        if self.grids[i] is None or self.grids[i].shape[2:4] != (height, width):
            y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            grid = torch.stack((x, y), 2).expand(1, 3, height, width, 2).float()
            self.grids[i] = grid - 0.5
        return self.grids[i]

    def forward(self, maps):
        """[batch, boxes, 5 + classes]: centre, size, objectness, classes."""
        found = []
        for i, x in enumerate(maps):
            x = self.convolutions[i](x)
            batch, _, height, width = x.shape
            x = x.view(batch, 3, self.outputs, height, width).permute(0, 1, 3, 4, 2).contiguous()
            centre, size, rest = x.sigmoid().split((2, 2, 1 + CLASSES), 4)
            centre = (centre * 2 + self.grid(i, height, width)) * STRIDES[i]
            size = (size * 2) ** 2 * ANCHORS[i].view(1, 3, 1, 1, 2)
            found.append(torch.cat((centre, size, rest), 4).view(batch, -1, self.outputs))
        return torch.cat(found, 1)


class Yolo5(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.head = Head(self.backbone.widths)

    def forward(self, image):
        return self.head(self.backbone(image))


if __name__ == "__main__":
    torch.manual_seed(0)
    images = [(torch.rand(1, 3, 96, 64),) for _ in range(3)]
    model = carry(Yolo5(), images, input_layout="channels_last")
    transposes = len(model.report.native.layout.transposes)
    claim("at most one transpose for each map", transposes <= len(STRIDES))
