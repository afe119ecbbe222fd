"""A function of PyTorch's own insides, with its weights as inputs.

python -m examples.operators.projections
"""

import torch
import torch.nn.functional as F

from examples.carry import carry

WIDTH = 8


def of_one_sequence(x, weight, bias):
    return F._in_projection_packed(x, x, x, weight, bias)


def of_two(query, memory, weight, bias):
    return F._in_projection_packed(query, memory, memory, weight, bias)


if __name__ == "__main__":
    torch.manual_seed(0)
    sequences = [(torch.randn(5, 2, WIDTH), torch.randn(7, 2, WIDTH)) for _ in range(3)]
    weights = [(torch.randn(3 * WIDTH, WIDTH), torch.randn(3 * WIDTH)) for _ in range(3)]
    carry(of_one_sequence, [(x, *weight) for (x, _), weight in zip(sequences, weights)])
    carry(of_two, [(*both, *weight) for both, weight in zip(sequences, weights)])
