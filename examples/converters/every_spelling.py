"""One converter for an operator, however the model spells its calls.

A converter of F.relu takes calls of F.relu. One of "aten::relu" takes what torch.relu, F.relu, the
method, the module and the operator itself become. In place it is an operator of its own, and what
the body returns is written.

python -m examples.converters.every_spelling
"""

import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from examples.carry import carry, claim

SPELLINGS = {
    "F.relu": F.relu,
    "torch.relu": torch.relu,
    "nn.ReLU": nn.ReLU(),
    "x.relu()": lambda x: x.relu(),
    "F.relu(inplace=True)": lambda x: F.relu(x + 0, inplace=True),
    "torch.ops.aten.relu": lambda x: torch.ops.aten.relu(x),
}


class Spelled(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x) - 1


@ferryman.converter("aten::relu", "aten::relu_")
def of_the_operator(x):
    return torch.maximum(x, torch.zeros_like(x))


@ferryman.converter(F.relu)
def of_the_function(x, inplace=False):
    return torch.maximum(x, torch.zeros_like(x))


def takes(converter, inputs):
    """Which of the spellings."""
    ferryman.unregister(converter)
    found = []
    for name, call in SPELLINGS.items():
        model = carry(Spelled(call), inputs, converters=[converter])
        if any(node.converter for node in model.report.nodes.values()):
            found.append(name)
    return found


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(3, 5),) for _ in range(2)]
    ferryman.unregister(of_the_function)
    claim("the operator: all", takes(of_the_operator, inputs) == list(SPELLINGS))
    of_function = takes(of_the_function, inputs)
    print(of_function)
    claim("the function: itself", set(of_function) == {"F.relu", "nn.ReLU", "F.relu(inplace=True)"})
