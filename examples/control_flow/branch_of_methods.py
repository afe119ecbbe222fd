"""A branch between two methods, over a list of tensors that both give back.

python -m examples.control_flow.branch_of_methods
"""

import torch
from torch import nn

from examples.carry import carry, claim, operators


class ByMethods(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Conv2d(3, 4, 3, padding=1)
        self.right = nn.Conv2d(3, 4, 3, padding=1)

    def both(self, images):
        return [self.left(images[0]), self.right(images[1])]

    def crossed(self, images):
        return [self.left(images[1]), self.right(images[0]).tanh()]

    def forward(self, images):
        if images[0].sum() > images[1].sum():
            images = self.both(images)
        else:
            images = self.crossed(images)
        return images[0] - images[1]


if __name__ == "__main__":
    torch.manual_seed(0)
    dark, bright = torch.randn(1, 3, 16, 16) - 1, torch.randn(1, 3, 16, 16) + 1
    model = carry(ByMethods(), [([bright, dark],), ([dark, bright],), ([dark, dark],)])
    claim("the file decides", operators(model).get("IF") == 1)
