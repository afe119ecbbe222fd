"""Functions of one's own that a converter stands for: marked ones, methods, autograd.Functions.

@ferryman.traceable marks a function or a method; an autograd.Function needs no mark, and neither
does a plain function of a library, which cannot be marked. Everywhere outside of a conversion they
are called as ever.

python -m examples.converters.own_functions
"""

import math

import torch
from torch import nn

import ferryman
from examples.carry import carry, claim


@ferryman.traceable
def attend(query, key, value):
    return torch.softmax(query @ key.mT / math.sqrt(query.shape[-1]), dim=-1) @ value


class Swish(torch.autograd.Function):
    """With a gradient of its own, which a conversion has no use for."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        gate = torch.sigmoid(x)
        return gradient * gate * (1 + x * (1 - gate))


def scaled(x, *, by):
    """As a library might have it."""
    return sum(x for _ in range(by))


class Block(nn.Module):
    def __init__(self, features=8):
        super().__init__()
        self.projections = nn.Linear(features, 3 * features)

    def forward(self, x):
        attended = attend(*self.projections(x).chunk(3, dim=-1))
        return scaled(Swish.apply(self.centred(attended)), by=5)

    @ferryman.traceable
    def centred(self, x):
        return x - x.mean(dim=-1, keepdim=True)


@ferryman.converter(attend)
def by_fused(query, key, value):
    return nn.functional.scaled_dot_product_attention(query, key, value)


@ferryman.converter(Block.centred)
def by_matrix(module, x):
    """The method's instance comes first, as in the method itself."""
    features = module.projections.in_features
    return x @ (torch.eye(features) - 1 / features)


@ferryman.converter(Swish)
def by_silu(x):
    return nn.functional.silu(x)


@ferryman.converter(scaled)
def by_product(x, *, by):
    return x * by


if __name__ == "__main__":
    torch.manual_seed(0)
    used = [by_fused, by_matrix, by_silu, by_product]
    inputs = [(torch.randn(2, 6, 8),) for _ in range(3)]
    model = carry(Block(), inputs, converters=used)
    found = {node.converter.partition(" ")[0] for node in model.report.nodes.values()}
    claim("all four are used", {converter.name for converter in used} <= found)
    unused = [r for r in model.report.remarks if "was not used" in r["what"]]
    claim("no remark says otherwise", not unused)
    claim("the function is what it was", scaled(torch.ones(2), by=3).tolist() == [3, 3])
