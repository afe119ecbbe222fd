"""torch.cdist with batches that broadcast, of several orders.

python -m examples.operators.distances
"""

import math

import torch

from examples.carry import carry


def distances(x, y):
    """x: [2, 1, 5, 3]; y: [4, 6, 3]."""
    orders = {"euclid": 2.0, "city": 1.0, "largest": math.inf, "cubes": 3.0}
    return {name: torch.cdist(x, y, p=order) for name, order in orders.items()}


if __name__ == "__main__":
    torch.manual_seed(0)
    carry(distances, [(torch.randn(2, 1, 5, 3), torch.randn(4, 6, 3)) for _ in range(3)])
