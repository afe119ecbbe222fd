"""Which of several converters counts: those of the call, of a block, and registered ones.

python -m examples.converters.scopes
"""

import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from examples.carry import claim, compare


@ferryman.converter(F.silu)
def registered(x, inplace=False):
    return x * torch.sigmoid(x)


@ferryman.converter(F.silu)
def registered_later(x, inplace=False):
    return x / (1 + torch.exp(-x))


@ferryman.converter(F.silu)
def in_a_block(x, inplace=False):
    return x * (torch.tanh(x / 2) + 1) / 2


@ferryman.converter(F.silu)
def of_the_call(x, inplace=False):
    return x * torch.exp(F.logsigmoid(x))


def used(net, x, **options):
    model = ferryman.convert(net, (x,), progress=False, **options)
    with torch.no_grad():
        compare(net(x), model(x))
    nodes = model.report.nodes.values()
    names = {node.converter.partition(" ")[0] for node in nodes} - {""}
    print(f"{', '.join(names) or 'none'}: {', '.join(model.report.native.ops)}")
    return names


if __name__ == "__main__":
    torch.manual_seed(0)
    net, x = nn.SiLU().eval(), torch.randn(4, 8)
    ferryman.unregister(in_a_block)
    ferryman.unregister(of_the_call)
    claim("the latest registered one", used(net, x) == {"registered_later"})
    with ferryman.converters(in_a_block):
        claim("in a block, the block's", used(net, x) == {"in_a_block"})
        of_call = used(net, x, converters=[of_the_call])
        claim("before it that of the call", of_call == {"of_the_call"})
    claim("after the block, as before", used(net, x) == {"registered_later"})
    ferryman.unregister(registered_later)
    claim("the one before it", used(net, x) == {"registered"})
    ferryman.unregister(registered)
    claim("none", used(net, x) == set())
