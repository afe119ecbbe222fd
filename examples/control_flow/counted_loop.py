"""A layer that is applied as often as a tensor says.

python -m examples.control_flow.counted_loop
"""

import torch
from torch import nn

from examples.carry import carry, claim, operators


class CountedLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, image, times):
        for _ in range(int(times)):
            image = torch.tanh(self.layer(image))
        return image


if __name__ == "__main__":
    torch.manual_seed(0)
    image = torch.rand(1, 3, 32, 32)
    model = carry(CountedLoop(), [(image, torch.tensor(times)) for times in (3, 0, 1, 7)])
    claim("the file decides", operators(model).get("WHILE") == 1)
