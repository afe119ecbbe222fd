"""F.grid_sample in twelve ways: three borders, bilinear and nearest, corners aligned or not.

The image comes channels last, the grid as PyTorch has it. With "nearest" a point half-way between
two pixels may fall to either side by rounding; the check knows such decisions from mistakes.

python -m examples.operators.grid_samplers
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from examples.carry import carry, claim

WAYS = list(
    itertools.product(("bilinear", "nearest"), ("zeros", "border", "reflection"), (False, True))
)


class Samplers(nn.Module):
    def forward(self, image, grid):
        """grid: [batch, height, width, 2], from -1 to 1 inside of the image."""
        return {
            f"{mode}_{border}_{'aligned' if aligned else 'not_aligned'}": F.grid_sample(
                image, grid, mode=mode, padding_mode=border, align_corners=aligned
            )
            for mode, border, aligned in WAYS
        }


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(1, 4, 9, 11), 2.6 * torch.rand(1, 7, 6, 2) - 1.3) for _ in range(3)]
    layouts = {"image": "channels_last", "grid": "channels_first"}
    model = carry(Samplers(), inputs, input_layout=layouts, output_layout="channels_last")
    claim("twelve samplers", len(model.outputs) == 12)
    claim("the image is channels last", model.inputs[0].shape == (1, 9, 11, 4))
    claim("the grid is as it was", model.inputs[1].shape == (1, 7, 6, 2))
