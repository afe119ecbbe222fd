"""A GRU gives [batch, time, features]; two Conv1d take it as [batch, features, time].

The convolutions' channels are the GRU's steps, and the file has channels last: one transpose
serves both, without being told, and for a batch of one none is needed. (Of a larger batch the GRU
wants the steps first, which is another one.)

python -m examples.layout.channel_ordering
"""

import torch
from torch import nn

from examples.carry import carry, claim, num_transposes


class GruAndConvolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(32, 64, batch_first=True)
        self.left = nn.Conv1d(12, 40, kernel_size=1)
        self.right = nn.Conv1d(12, 60, kernel_size=1)

    def forward(self, x):
        """x: [batch, 12, 32]; the GRU's steps are the convolutions' channels."""
        x, _ = self.gru(x)
        return self.left(x), self.right(x)


def into_convolutions(model):
    """The transposes that a convolution reads."""
    return [t.reason for t in model.report.native.layout.transposes if "(conv)" in t.reason]


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(1, 12, 32),) for _ in range(3)]
    model = carry(GruAndConvolutions(), inputs, output_layout="any")
    claim("no transpose for a batch of one", num_transposes(model) == 0)
    inputs = [(torch.randn(4, 12, 32),) for _ in range(3)]
    model = carry(GruAndConvolutions(), inputs, output_layout="any")
    claim("one transpose serves both convolutions", len(into_convolutions(model)) == 1)
