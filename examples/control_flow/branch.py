"""A network that takes one of two convolutions, by the mean of its input.

python -m examples.control_flow.branch
"""

import torch
from torch import nn

from examples.carry import carry, claim, operators


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.bright = nn.Conv2d(3, 16, 3, padding=1)
        self.dark = nn.Conv2d(3, 16, 5, padding=2)

    def forward(self, image):
        if image.mean() > 0:
            return torch.relu(self.bright(image))
        return torch.tanh(self.dark(image))


if __name__ == "__main__":
    torch.manual_seed(0)
    image = torch.rand(1, 3, 32, 32)
    model = carry(Branch(), [(image,), (-image,)])
    claim("the file decides", operators(model).get("IF") == 1)
