"""A function of torch's by another formula: softplus of fewer operators.

It stands for every call of F.softplus, in modules as well, with the arguments of the call. Ferryman
itself takes a formula that keeps the digits of results near 0; this one does not, and is shorter.

python -m examples.converters.softplus
"""

import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from examples.carry import carry, claim, operators


@ferryman.converter(F.softplus)
def softplus(x, beta=1, threshold=20):
    """log(1 + exp(z)) = relu(z) - log(sigmoid(|z|)); from the threshold on that is z."""
    z = x * beta
    return (torch.relu(z) - torch.log(torch.sigmoid(z.abs()))) / beta


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.activation = nn.Linear(8, 8), nn.Softplus(beta=0.5)

    def forward(self, x):
        return self.activation(self.linear(x)) + F.softplus(x)


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(scale * torch.randn(4, 8),) for scale in (1, 30, 100)]
    net = Net()
    model = carry(net, inputs, converters=[softplus])
    claim("both calls are of the converter", operators(model)["LOGISTIC"] == 2)
    ferryman.unregister(softplus)
    plain = carry(net, inputs)
    fewer = sum(operators(plain).values()) - sum(operators(model).values())
    claim(f"{fewer} operators less", fewer > 0)
