"""An operator of one's own runtime in the file, and a function that computes it for the check.

The application registers the operator with LiteRT. For Python there is the kernel: all that comes
before and after the operator is compared on LiteRT, with what the kernel computes in between.

python -m examples.converters.custom_operator
"""

import torch
from torch import nn

import ferryman
from examples.carry import claim, describe, num_transposes, operators


@ferryman.traceable
def local_contrast(x, epsilon=1e-3):
    """x: [batch, channels, height, width]."""
    return x / (x.square().mean(1, keepdim=True) + epsilon).sqrt()


def kernel(x):
    """The same, in the order of axes that the operator sees: channels last."""
    return x / (x.square().mean(-1, keepdim=True) + 1e-3).sqrt()


@ferryman.converter(local_contrast, target="tflite")
def as_custom(x, epsilon=1e-3):
    options = {"epsilon": epsilon}  # a FlexBuffer in the file
    return ferryman.tflite.custom(
        "LocalContrast", x, options=options, kernel=kernel, axes="channels_last"
    )


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3)

    def forward(self, image):
        return self.last(local_contrast(self.first(image)))


if __name__ == "__main__":
    torch.manual_seed(0)
    net, image = Net().eval(), torch.randn(1, 3, 16, 16)
    layouts = {"input_layout": "channels_last", "output_layout": "channels_last"}
    model = ferryman.convert(net, (image,), converters=[as_custom], progress=False, **layouts)
    describe(model)
    claim("the operator is in the file", operators(model) == {"CONV_2D": 2, "CUSTOM": 1})
    claim("nothing is transposed", num_transposes(model) == 0)
    compared = set(model.report.checks.nodes)
    claim("what is around it was compared", {"conv2d", "conv2d_1"} <= compared)
    remarks = [remark["what"] for remark in model.report.remarks]
    claim("the operator itself was not, which is told", any("LocalContrast" in r for r in remarks))
    try:
        model(image.permute(0, 2, 3, 1))
        message = ""
    except ferryman.Error as error:
        message = str(error)
    claim("LiteRT for Python cannot run it, and says so", "LocalContrast" in message)
