"""Eight recurrent nets: LSTM and GRU, both ways, batch or time first, stacks, with first states.

python -m examples.operators.recurrent_layers
"""

import torch
from torch import nn

from examples.carry import carry, claim

STEPS, BATCH, INPUTS, WIDTH = 6, 2, 5, 4
OPTIONS = [
    {"num_layers": 3, "batch_first": True},
    {"num_layers": 4, "bidirectional": True},
    {"num_layers": 5, "batch_first": True, "bidirectional": True, "bias": False},
    {"num_layers": 6, "bias": False},
]


class WithStates(nn.Module):
    """The first states are the caller's, and the last ones go back."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, *states):
        """states: [layers * ways, batch, width] each; two of an LSTM, one of a GRU."""
        return self.layer(x, states if len(states) == 2 else states[0])


def inputs(layer, num_states):
    x = torch.randn((BATCH, STEPS, INPUTS) if layer.batch_first else (STEPS, BATCH, INPUTS))
    ways = 2 if layer.bidirectional else 1
    return x, *(torch.randn(ways * layer.num_layers, BATCH, WIDTH) for _ in range(num_states))


if __name__ == "__main__":
    torch.manual_seed(0)
    nets = [(kind, options) for kind in (nn.LSTM, nn.GRU) for options in OPTIONS]
    claim("eight nets", len(nets) == 8)
    for kind, options in nets:
        print(f"\n{kind.__name__} {options}")
        layer = kind(INPUTS, WIDTH, **options)
        if options.get("bias", True):
            num_states = 2 if kind is nn.LSTM else 1
            carry(WithStates(layer), [inputs(layer, num_states) for _ in range(2)])
        else:
            carry(layer, [inputs(layer, 0) for _ in range(2)])
