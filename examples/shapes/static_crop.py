"""A crop of constant size at a place that the caller gives has that constant size in the file.

stop - start is known although neither is: the file's output is 1×64×32×3, not of unknown size, so
that delegates take it. The same crop written with narrow is the same operator.

python -m examples.shapes.static_crop
"""

import torch

from examples.carry import carry, claim, operators

HEIGHT, WIDTH = 64, 32


def by_slices(image, y, x):
    """image: [1, 3, 100, 120]; y, x: whole numbers without axes."""
    y, x = y.item(), x.item()
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
        slices = sum(n for op, n in operators(model).items() if "SLICE" in op)
        claim("one slice per axis at most", slices <= 2)
