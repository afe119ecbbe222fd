"""Permutes around a reshape that cost nothing, and a reshape that does.

A reshape of [batch, channels, time] that mixes channels with time is another one than the same
reshape with channels last. Where the model itself permutes so that channels are last, the file,
which has them last anyway, needs no transpose at all. Where it does not, one is the least, and the
report gives its reason.

python -m examples.layout.efficient_reshape
"""

import torch
from torch import nn

from examples.carry import carry, claim, num_transposes


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.before = nn.Conv1d(3, 4, kernel_size=1)
        self.after = nn.Conv1d(6, 5, kernel_size=1)

    def forward(self, x):
        """x: [batch, 3, 3 * n]."""
        return self.after(self.reshape(self.before(x)))


class Mixing(Convolutions):
    def reshape(self, x):
        return x.reshape(-1, 6, 2)


class WithChannelsLast(Convolutions):
    def reshape(self, x):
        return x.permute(0, 2, 1).reshape(-1, 2, 6).permute(0, 2, 1)


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(1, 3, 6),) for _ in range(3)]
    last = {"input_layout": {"x": "channels_last"}, "output_layout": {"output": "channels_last"}}
    model = carry(WithChannelsLast(), inputs, **last)
    claim("no transpose", num_transposes(model) == 0)
    model = carry(Mixing(), inputs, **last)
    claim("one transpose for a reshape that mixes", num_transposes(model) == 1)
    claim("which is the least", model.report.native.layout.optimal)
