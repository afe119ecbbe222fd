"""Slices whose bounds come from the image's own height and width, which are free.

h // 3 is computed in the file for each image; nothing is frozen at the example's size.

python -m examples.shapes.dynamic_slices
"""

import torch
from torch import nn

from examples.carry import carry, claim


class LowerRight(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 16, 3, stride=2)

    def forward(self, image):
        x = self.convolution(image)
        height, width = x.shape[2], x.size(dim=3)
        return x[:, :, height // 3 :, width // 3 :]


if __name__ == "__main__":
    torch.manual_seed(0)
    net = LowerRight()
    images = [(torch.randn(shape),) for shape in ((1, 3, 32, 48), (2, 3, 21, 64), (3, 3, 50, 17))]
    free = {"image": {0: "batch", 2: "height", 3: "width"}}
    model = carry(net, images, dynamic_shapes=free)
    print(f"output: {model.outputs[0]}")
    claim("batch, height and width are free", len(model.report.sizes) == 3)
    claim("nothing is frozen", not model.report.frozen)

    image = torch.randn(1, 3, 32, 48)
    fixed = carry(net, [(image,)])
    claim("without free sizes the bounds are constants", not fixed.report.sizes)
