"""torch.meshgrid of whole numbers, in both orders.

python -m examples.operators.meshgrid
"""

import torch

from examples.carry import carry


def grids(rows, columns):
    return [torch.meshgrid(rows, columns, indexing=order) for order in ("ij", "xy")]


if __name__ == "__main__":
    torch.manual_seed(0)
    carry(grids, [(torch.randint(9, (3,)), torch.randint(9, (4,))) for _ in range(3)])
    # Nothing changes where the lengths are free.
    several = [(torch.randint(9, (m,)), torch.randint(9, (n,))) for m, n in ((3, 4), (5, 2))]
    carry(grids, several, dynamic_shapes={"rows": {0: "m"}, "columns": {0: "n"}})
