"""split by one size and by a list, chunk, unbind and tensor_split, along each axis.

python -m examples.operators.splits
"""

import torch

from examples.carry import carry


def splits(x):
    """x: [4, 6, 9]."""
    return {
        "method": [x.split(size, dim) for dim, size in enumerate((2, 4, 3))],
        "function": [torch.split(x, [1, 3], 0), torch.split(x, [1, 2, 3], 1)],
        "last": torch.split(x, [5, 4], dim=-1),
        "chunk": x.chunk(4, 2),
        "unbind": x.unbind(1)[::2],
        "tensor_split": torch.tensor_split(x, (2, 5), dim=2),
    }


def parts_of_an_image(image):
    """Along the channels of an image between convolutions: no transpose comes of it."""
    first, rest = image.split([1, 5], dim=1)
    return torch.cat([rest.relu(), first.sigmoid()], dim=1)


if __name__ == "__main__":
    torch.manual_seed(0)
    carry(splits, [(torch.randn(4, 6, 9),) for _ in range(3)])
    carry(parts_of_an_image, [(torch.randn(2, 6, 5, 4),) for _ in range(3)])
