"""An image that a field of offsets bends, in plain PyTorch and with any height and width.

The grid is made from the image's own size. What the file does with it (gathers of four neighbours)
needs no operator of its own.

python -m examples.operators.dense_image_warp
"""

import torch
import torch.nn.functional as F

from examples.carry import carry, claim


def warp(image, flow):
    """image: [batch, channels, height, width]; flow: [batch, 2, height, width], how many pixels
    further up and left each result is read (down and right, where it is negative)."""
    batch, _, height, width = image.shape
    y = torch.linspace(0, height - 1, height)[:, None].expand(height, width)
    x = torch.linspace(0, width - 1, width)[None].expand(height, width)
    at = torch.stack([x, y]).repeat(batch, 1, 1, 1) - flow.flip(1)
    size = torch.tensor([width - 1, height - 1]).reshape(1, 2, 1, 1)
    grid = (2 * at / size - 1).permute(0, 2, 3, 1)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=True)


def inputs(height, width, batch=1):
    return torch.randn(batch, 3, height, width), 2 * torch.randn(batch, 2, height, width)


if __name__ == "__main__":
    torch.manual_seed(0)
    free = {name: {0: "batch", 2: "height", 3: "width"} for name in ("image", "flow")}
    several = [inputs(12, 16), inputs(9, 7, batch=2), inputs(20, 5)]
    model = carry(warp, several, dynamic_shapes=free)
    claim("three free sizes", len(model.report.sizes) == 3)
