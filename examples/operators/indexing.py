"""Reading and writing by index, in every form that PyTorch takes.

Slices, whole numbers, tensors of them, lists, None, "...", masks, several index tensors of
different shapes, and all of these in one bracket; as the right side and as the left.

python -m examples.operators.indexing
"""

import torch

from examples.carry import carry


def read(x, places, mask):
    """x: [4, 5, 6, 7]; places: [3], from 0 to 3; mask: [4], as many true in every call."""
    across = torch.stack([places, places.flip(0)])  # [2, 3]
    return (
        x[1],
        x[1:3, ..., -1],
        x[:, None, 2, :, ::3],
        x[[0, 2, 3]],
        x[:, [1, 1, 4]],
        x[places],
        x[:, places, 2:],
        x[places, places],
        x[:, places, :, places],  # the index tensors' axis comes first
        x[across, :, places],
        x[1, :, places, None],
        x[..., across],
        x[mask][:, 0],
        x[places][1:][:, [2, 0]],
    )


def written(x, y, places):
    """x: [4, 5, 6, 7]; y: [3, 6, 7]; each write is into a copy of x."""
    copies = [x.clone() for _ in range(8)]
    copies[0][1] = 0.0
    copies[1][1:3, ..., -1] = 2.0
    copies[2][0, 0:3] = y
    copies[3][:, [1, 3]] = y[:2]
    copies[4][2, places] = y[0]
    copies[5][places, :, 1, 1] = 5.0
    copies[6][::2, 4, 1:6:2] = y[:2, ::2]
    copies[7][:, 0][..., 2:5] += 1.0
    return copies


if __name__ == "__main__":
    torch.manual_seed(0)

    def image():
        return torch.randn(4, 5, 6, 7)

    def places():
        return torch.randint(0, 4, (3,))

    masks = [torch.tensor(mask) for mask in ([1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 1, 0])]
    carry(read, [(image(), places(), mask.bool()) for mask in masks])
    carry(written, [(image(), torch.randn(3, 6, 7), places()) for _ in range(3)])
