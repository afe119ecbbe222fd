"""Writes into a slice reach the tensor that it is a slice of, however they are spelled.

All forms below give what PyTorch gives; the file holds no scatter for them, since the places that
are written are known when it is made.

python -m examples.operators.in_place_on_a_slice
"""

import torch

from examples.carry import carry, claim, operators


def relu_of_a_view(x):
    x = x * 2
    torch.relu_(x[:, 1:2, 16:25, 8::2])
    return x


def assigned(x):
    x = x * 2
    x[:, 1:2, 16:25, 8::2] = torch.relu(x[:, 1:2, 16:25, 8::2])
    return x


def multiplied(x):
    x = x * 2
    x[:, 1:2, 16:25, 8::2] *= 2
    return torch.relu_(x)


def view_of_a_view(x):
    x = x * 2
    channel = x.unbind(1)[1]
    channel.transpose(1, 2)[..., 16:25].clamp_(max=0.1)
    return x, channel


def copied(x):
    x = x * 2
    first, second = x.chunk(2, dim=-1)
    first.copy_(second.flip(-1))
    return x


if __name__ == "__main__":
    torch.manual_seed(0)
    images = [(torch.randn(1, 3, 32, 32),) for _ in range(3)]
    for function in (relu_of_a_view, assigned, multiplied, view_of_a_view, copied):
        print(f"\n{function.__name__}")
        model = carry(function, images)
        claim("no scatter", not any("SCATTER" in op for op in operators(model)))
