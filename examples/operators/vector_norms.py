"""torch.norm, 98 times: seven orders, seven choices of axes, with and without keepdim.

python -m examples.operators.vector_norms
"""

import itertools
import math

import torch

from examples.carry import carry, claim

ORDERS = [0, 1, 2, 3, 0.5, math.inf, -math.inf]
AXES = [0, 1, 2, -1, (0, 1), (1, 2), (0, 1, 2)]
GRID = list(itertools.product(ORDERS, AXES, (False, True)))


def norms(x):
    """x: [3, 4, 5]."""
    return [torch.norm(x, p=order, dim=axes, keepdim=keep) for order, axes, keep in GRID]


if __name__ == "__main__":
    torch.manual_seed(0)
    claim("98 norms", len(GRID) == 98)
    carry(norms, [(scale * torch.randn(3, 4, 5),) for scale in (1, 10, 0.1)])
