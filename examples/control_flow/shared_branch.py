"""Branches with layers in common: before, after, and the same one in both.

python -m examples.control_flow.shared_branch
"""

import torch
from torch import nn

from examples.carry import carry, claim, operators


class SharedBranch(nn.Module):
    def __init__(self):
        super().__init__()
        self.before = nn.Conv2d(3, 8, 3, padding=1)
        self.inside = nn.Conv2d(8, 8, 3, padding=1)
        self.after = nn.Conv2d(8, 4, 1)

    def forward(self, image):
        x = self.before(image)
        if x.mean() > 0:
            x = self.inside(x)
            x = torch.relu(x)
        else:
            x = self.inside(x * 2)
        return self.after(x)


if __name__ == "__main__":
    torch.manual_seed(0)
    image = torch.rand(1, 3, 32, 32)
    model = carry(SharedBranch(), [(image,), (-image,), (3 * image - 5,)])
    claim("the file decides", operators(model).get("IF") == 1)
