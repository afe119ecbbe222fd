"""repeat, tile and repeat_interleave: as functions and methods, by numbers, lists and arguments.

python -m examples.operators.repeats
"""

import torch

from examples.carry import carry


def repeated(x, times):
    """x: [2, 3]; times: a Python number, which is the conversion's for good."""
    return (
        x.repeat(2, 3),
        x.repeat(4, 1, 2),
        torch.tile(x, (2, 2)),
        torch.repeat_interleave(x, 2, dim=0),
        x.repeat_interleave(times, dim=1),
        x.repeat_interleave(times),
        x.repeat_interleave(torch.tensor([2, 0, 3]), dim=1),
    )


if __name__ == "__main__":
    torch.manual_seed(0)
    carry(repeated, [(torch.randn(2, 3), 3) for _ in range(3)])
