"""A batch norm in front of a convolution goes into its weights, and ReLU into the convolution.

The shift can be folded only where the convolution pads nothing: padding adds zeros after the norm.
The norm is trained first, so that its statistics say something.

python -m examples.layout.batch_norm_before_convolution
"""

import torch
from torch import nn

from examples.carry import carry, claim, operators


class NormFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.convolution = nn.Conv2d(3, 16, kernel_size=3)

    def forward(self, image):
        return torch.relu(self.convolution(self.norm(image)))


def train(net, steps=20):
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        image = 3 * torch.randn(8, 3, 16, 16) + 1
        loss = (net(image).mean(dim=(1, 2, 3)) - 1).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    net = NormFirst()
    train(net)
    images = [(3 * torch.randn(1, 3, 32, 32) + 1,) for _ in range(3)]
    model = carry(net, images, input_layout="channels_last", output_layout="channels_last")
    claim("one convolution, and nothing else", operators(model) == {"CONV_2D": 1})
