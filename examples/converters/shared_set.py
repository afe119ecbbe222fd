"""One set of converters for several models: what a model has no use for is a remark.

python -m examples.converters.shared_set
"""

import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from examples.carry import carry, claim


class Activation(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.7 * x)


class GatedActivation(Activation):
    def forward(self, x):
        return super().forward(x) * 2


@ferryman.converter(Activation, subclasses=True)
def activation(module, x):
    """Of classes that derive from it, too, unless they have a converter of their own."""
    return x / (1 + torch.exp(-1.7 * x))


@ferryman.converter(GatedActivation)
def gated_activation(module, x):
    return 2 * x / (1 + torch.exp(-1.7 * x))


@ferryman.converter(F.gelu)
def gelu(x, approximate="none"):
    return x * (1 + torch.erf(x / 2**0.5)) / 2


HOUSE = [activation, gated_activation, gelu]  # pass as converters=, or register by importing
MODELS = {
    "plain": (nn.Sequential(nn.Linear(4, 4), Activation()), {"activation"}),
    "gated": (nn.Sequential(GatedActivation(), nn.GELU()), {"gated_activation", "gelu"}),
    "neither": (nn.Sequential(nn.Linear(4, 4), nn.ReLU()), set()),
}

if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(2, 4),) for _ in range(2)]
    for name, (net, expected) in MODELS.items():
        print(f"\n{name}")
        model = carry(net, inputs, converters=HOUSE)
        nodes = model.report.nodes.values()
        used = {node.converter.partition(" ")[0] for node in nodes} - {""}
        claim(f"used: {', '.join(sorted(used)) or 'none'}", used == expected)
        remarks = [r for r in model.report.remarks if "was not used" in r["what"]]
        for remark in remarks:
            print(f"{remark['what']}: {remark['why']}")
        unused = {c.name for c in HOUSE} - expected
        told = {remark["subject"] for remark in remarks}
        claim("the others are told", told == unused)
