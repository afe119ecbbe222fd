"""Who calls the file decides on the order of each input and output; the layout follows.

One image comes as a camera gives it, [N, H, W, C], the other as PyTorch has it; one output has the
order of PyTorch, one is whatever is cheapest.

python -m examples.layout.order_of_each_port
"""

import torch
from torch import nn

from examples.carry import carry, claim


class TwoCameras(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Conv2d(3, 8, 3, padding=1)
        self.right = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, left, right):
        left, right = self.left(left), self.right(right)
        return left + right, left * right


def reasons(model):
    return [transpose.reason for transpose in model.report.native.layout.transposes]


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(1, 3, 24, 32), torch.randn(1, 3, 24, 32)) for _ in range(2)]
    model = carry(
        TwoCameras(),
        inputs,
        input_layout={"left": "channels_last", "right": "channels_first"},
        output_names=["sum", "product"],
        output_layout={"sum": "channels_first", "product": "any"},
    )
    layouts = [port.layout for port in (*model.inputs, *model.outputs)]
    print(f"layouts: {layouts}")
    wanted = ["channels_last", "channels_first", "channels_first", "channels_last"]
    claim("the file has the orders that were asked for", layouts == wanted)
    claim("left needs no transpose", all("left'" not in each for each in reasons(model)))
