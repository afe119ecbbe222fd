"""A crop of constant size at a place that the caller gives, as one SLICE.

Without help each axis is cut by an operator of its own. The body names TFLite's operator instead:
where the crop begins is an operand, its size a constant of the file.

python -m examples.converters.static_crop
"""

import torch
from torch import nn

import ferryman
from examples.carry import carry, claim, num_transposes, operators

HEIGHT, WIDTH = 64, 32


@ferryman.traceable
def crop(image, y, x):
    """image: [batch, channels, height, width]; y, x: whole numbers without axes."""
    return image.narrow(2, y, HEIGHT).narrow(3, x, WIDTH)


@ferryman.converter(crop, target="tflite")
def one_slice(image, y, x):
    batch, channels = image.shape[:2]
    zero = torch.zeros((), dtype=torch.int32)
    begin = torch.stack([zero, y.int(), x.int(), zero])  # with channels last
    size = [batch, HEIGHT, WIDTH, channels]
    return ferryman.tflite.op("SLICE", image, begin, size, axes="channels_last")


class Cropped(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, image, y, x):
        return self.convolution(crop(image, y, x))


if __name__ == "__main__":
    torch.manual_seed(0)
    places = [(0, 0), (36, 88), (7, 50)]
    inputs = [(torch.randn(1, 3, 100, 120), *map(torch.tensor, place)) for place in places]
    options = {"input_layout": {"image": "channels_last"}, "output_layout": "channels_last"}
    model = carry(Cropped(), inputs, converters=[one_slice], **options)
    claim("one SLICE", operators(model)["SLICE"] == 1 and "GATHER" not in operators(model))
    claim("nothing is transposed", num_transposes(model) == 0)
    claim("the size is constant", model.outputs[0].shape == (1, HEIGHT, WIDTH, 3))
