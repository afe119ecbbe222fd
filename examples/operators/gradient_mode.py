"""forward that switches gradients off and on, and one that computes one.

python -m examples.operators.gradient_mode
"""

import torch
from torch import nn

from examples.carry import carry


class Switches(nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen = nn.Conv2d(3, 4, 3, padding=1)
        self.trained = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, image):
        with torch.set_grad_enabled(False):
            x = self.frozen(image)
        with torch.no_grad():
            mean = x.mean()
        with torch.set_grad_enabled(self.training):
            return self.trained(x - mean)


class Slope(nn.Module):
    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad((x**3).tanh().sum(), x)
        return slope


if __name__ == "__main__":
    torch.manual_seed(0)
    carry(Switches(), [(torch.randn(1, 3, 8, 8),) for _ in range(3)])
    carry(Slope(), [(torch.randn(3, 4),) for _ in range(3)])
