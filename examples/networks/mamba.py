"""Mamba, small and plain: a depthwise convolution, and a scan whose steps depend on the input.

The scan is torch's own operator for a sequence of steps. It becomes a loop of the file, so that any
length will do. Embedding and head share their weights.

python -m examples.networks.mamba
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch._higher_order_ops.scan import scan

from examples.carry import carry, claim, operators

VOCABULARY, WIDTH, STATE, RANK, LAYERS = 50, 16, 8, 4, 3
INNER = 2 * WIDTH


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(WIDTH, 2 * INNER, bias=False)
        self.convolution = nn.Conv1d(INNER, INNER, 4, groups=INNER, padding=3)
        self.choose = nn.Linear(INNER, RANK + 2 * STATE, bias=False)
        self.step = nn.Linear(RANK, INNER)
        self.decay = nn.Parameter(torch.log(torch.arange(1.0, STATE + 1).repeat(INNER, 1)))
        self.skip = nn.Parameter(torch.ones(INNER))
        self.leave = nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, x):
        """x: [batch, length, width]."""
        x, gate = self.enter(x).chunk(2, dim=-1)
        x = self.convolution(x.transpose(1, 2))[:, :, : x.shape[1]].transpose(1, 2)
        x = F.silu(x)
        return self.leave((self.states(x) + x * self.skip) * F.silu(gate))

    def states(self, x):
        """What the state, [batch, inner, state], says at each step: [batch, length, inner]."""
        step, into, out = self.choose(x).split([RANK, STATE, STATE], dim=-1)
        step = F.softplus(self.step(step))
        keep = torch.exp(-step[..., None] * torch.exp(self.decay))
        new = (step * x)[..., None] * into[:, :, None]

        def one_step(state, given):
            keep, new, out = given
            state = keep * state + new
            return state, (state * out[:, None]).sum(-1)

        first = x.new_zeros(x.shape[0], INNER, STATE)
        return scan(one_step, first, (keep, new, out), dim=1)[1]


class Mamba(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norms = nn.ModuleList(nn.RMSNorm(WIDTH) for _ in range(LAYERS + 1))
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        """tokens: [batch, length]; logits: [batch, length, vocabulary]."""
        x = self.embedding(tokens)
        for block, norm in zip(self.blocks, self.norms):
            x = x + block(norm(x))
        return self.head(self.norms[-1](x))


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randint(VOCABULARY, (1, length)),) for length in (6, 11, 3)]
    model = carry(Mamba(), inputs, dynamic_shapes={"tokens": {1: "length"}})
    claim("one loop for each layer", operators(model).get("WHILE") == LAYERS)
    claim("logits for each token", model.outputs[0].shape == (1, "length", VOCABULARY))
    claim("the length is free", [size.name for size in model.report.sizes] == ["length"])
