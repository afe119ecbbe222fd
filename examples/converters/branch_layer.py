"""A branch as a layer of one's own, for Keras, which has none: keras.ops.cond.

The module's `if` depends on the input's values. The layer holds the convolutions of both branches,
built from the module's weights.

python -m examples.converters.branch_layer
"""

import keras
import torch
from torch import nn

import ferryman
from examples.carry import carry, claim


class BrightOrDark(nn.Module):
    def __init__(self):
        super().__init__()
        self.bright, self.dark = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x):
        if x.mean() > 0:
            return self.bright(x)
        return self.dark(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.part, self.last = nn.Conv2d(3, 4, 1), BrightOrDark(), nn.Conv2d(4, 2, 1)

    def forward(self, image):
        return self.last(self.part(self.first(image)))


@keras.saving.register_keras_serializable("examples")
class Branch(keras.layers.Layer):
    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.bright = keras.layers.Conv2D(filters, 1, data_format="channels_last")
        self.dark = keras.layers.Conv2D(filters, 1, data_format="channels_last")

    def build(self, shape):
        self.bright.build(shape)
        self.dark.build(shape)

    def call(self, x):
        is_bright = keras.ops.mean(x) > 0
        return keras.ops.cond(is_bright, lambda: self.bright(x), lambda: self.dark(x))

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.filters)

    def get_config(self):
        return super().get_config() | {"filters": self.filters}


def weights_of(convolution):
    kernel = convolution.weight.detach().permute(2, 3, 1, 0)
    return [kernel.numpy(), convolution.bias.detach().numpy()]


@ferryman.converter(BrightOrDark, target="keras", axes="channels_last")
def branch(module, x):
    layer = Branch(module.bright.out_channels)
    layer.build(x.shape)
    layer.bright.set_weights(weights_of(module.bright))
    layer.dark.set_weights(weights_of(module.dark))
    return layer


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Net()
    with torch.no_grad():
        net.first.bias.zero_()
    image = torch.randn(1, 3, 8, 8).abs()
    inputs = [(image,), (-image,)]
    ways = {bool(net.first(each[0]).mean() > 0) for each in inputs}
    claim("the inputs go both ways", ways == {True, False})
    model = carry(net, inputs, target="keras")
    inner = [layer for part in model.keras.layers for layer in getattr(part, "layers", [])]
    claim("it is the layer", any(isinstance(layer, Branch) for layer in inner))
