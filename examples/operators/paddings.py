"""F.pad with zeros, another constant, reflection, replication and circular, of 3, 4 and 5 axes.

python -m examples.operators.paddings
"""

import torch
import torch.nn.functional as F

from examples.carry import carry, claim

MODES = {
    "zero": {"mode": "constant"},
    "constant": {"mode": "constant", "value": 1.5},
    "reflect": {"mode": "reflect"},
    "replicate": {"mode": "replicate"},
    "circular": {"mode": "circular"},
}
AMOUNTS = [(1, 2), (1, 2, 3, 0), (1, 2, 2, 0, 1, 1)]  # the last axis first, for 3, 4 and 5 axes


def pads(line, image, volume):
    tensors = (line, image, volume)
    return {
        f"{name}_{x.dim()}": F.pad(x, amounts, **mode)
        for name, mode in MODES.items()
        for x, amounts in zip(tensors, AMOUNTS, strict=True)
    }


def crops(line, image):
    """Negative amounts take away."""
    return F.pad(line, (-1, 2)), F.pad(image, (2, -1, -2, 0), value=-1.0)


if __name__ == "__main__":
    torch.manual_seed(0)
    shapes = [(2, 3, 8), (2, 3, 6, 8), (1, 2, 4, 5, 6)]
    model = carry(pads, [tuple(torch.randn(shape) for shape in shapes) for _ in range(3)])
    claim("15 outputs by name", len({port.name for port in model.outputs}) == 15)
    carry(crops, [tuple(torch.randn(shape) for shape in shapes[:2]) for _ in range(2)])
