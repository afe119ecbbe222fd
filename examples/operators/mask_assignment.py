"""Writing where a mask is true: a constant, a sum, and as many values as there are places.

How many places a mask has is known only when the file runs; none is a number of them, too.

python -m examples.operators.mask_assignment
"""

import torch

from examples.carry import carry


def constant(x):
    y = x.clone()
    y[x > 0.5] = -1.0
    return y


def added(x):
    y = x.clone()
    y[x < 0] += 10
    y[y > 9] *= 2
    return y


def values(x, y):
    """y: as many as x, of which each true place takes its own."""
    z = x.clone()
    z[x > 0] = y[x > 0]
    return z


def rows(x, keep):
    """keep: a bool for each row."""
    y = x.clone()
    y[keep] = y[keep].flip(-1)
    return y


if __name__ == "__main__":
    torch.manual_seed(0)
    images = [(torch.randn(2, 3, 4),), (torch.randn(2, 3, 4) - 9,), (torch.randn(2, 3, 4) + 9,)]
    carry(constant, images)
    carry(added, images)
    carry(values, [(x, torch.randn(2, 3, 4)) for (x,) in images])
    keep = [torch.tensor([True, False, True]), torch.ones(3).bool(), torch.zeros(3).bool()]
    carry(rows, [(torch.randn(3, 4), each) for each in keep])
