"""A crop of constant size at a place that the caller gives has that constant size in the file.

The file's output is 1×64×32×3, not of unknown size, so that delegates go on after it. narrow says
that the size is constant. Slices do where torch._check says that they stay inside: PyTorch cuts
y : y + 64 short at the edge, so that without it the size is counted at run time.

python -m examples.shapes.static_crop
"""

import torch

from examples.carry import carry, claim, operators

HEIGHT, WIDTH = 64, 32


def by_slices(image, y, x):
    """image: [1, 3, 100, 120]; y, x: whole numbers without axes."""
    y, x = y.item(), x.item()
    torch._check(y >= 0)
    torch._check(x >= 0)
    torch._check(y + HEIGHT <= image.shape[2])
    torch._check(x + WIDTH <= image.shape[3])
    return image[:, :, y : y + HEIGHT, x : x + WIDTH]


def by_narrow(image, y, x):
    return image.narrow(2, y, HEIGHT).narrow(3, x, WIDTH)


if __name__ == "__main__":
    torch.manual_seed(0)
    places = [(0, 0), (36, 88), (7, 50)]
    inputs = [(torch.randn(1, 3, 100, 120), *map(torch.tensor, place)) for place in places]
    last = {"image": "channels_last"}
    for function in (by_slices, by_narrow):
        print(f"\n{function.__name__}")
        model = carry(function, inputs, input_layout=last, output_layout="channels_last")
        claim("the size is constant", model.outputs[0].shape == (1, HEIGHT, WIDTH, 3))
        gathers = operators(model).get("GATHER", 0)
        claim("each axis is cut by one operator", gathers == 2)
