"""Newton's way to a square root, until it is near enough.

python -m examples.control_flow.while_loop
"""

import torch
from torch import nn

from examples.carry import carry, claim, operators


class SquareRoot(nn.Module):
    def forward(self, x):
        root, rounds = x, 0
        while (root * root - x).abs().max() > 1e-4 * x.max() and rounds < 50:
            root = 0.5 * (root + x / root)
            rounds += 1
        return root, rounds


if __name__ == "__main__":
    torch.manual_seed(0)
    x = torch.rand(8) + 0.5
    model = carry(SquareRoot(), [(x,), (torch.ones(8),), (1000 * x,)])
    claim("the file decides", operators(model).get("WHILE") == 1)
