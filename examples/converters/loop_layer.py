"""A loop as a layer of one's own, for Keras: keras.ops.while_loop.

python -m examples.converters.loop_layer
"""

import keras
import torch
from torch import nn

import ferryman
from examples.carry import carry, claim

MOST = 50  # rounds


class SquareRoot(nn.Module):
    """Newton's way, until it is near enough."""

    def forward(self, x):
        root, rounds = x, 0
        while (root * root - x).abs().max() > 1e-4 * x.max() and rounds < MOST:
            root = 0.5 * (root + x / root)
            rounds += 1
        return root


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.root = nn.Linear(6, 8), SquareRoot()

    def forward(self, x):
        return self.root(self.linear(x).square() + 0.5)


@keras.saving.register_keras_serializable("examples")
class NewtonsRoot(keras.layers.Layer):
    def call(self, x):
        def goes_on(root, rounds):
            error = keras.ops.max(keras.ops.abs(root * root - x))
            return keras.ops.logical_and(error > 1e-4 * keras.ops.max(x), rounds < MOST)

        def round_of(root, rounds):
            return 0.5 * (root + x / root), rounds + 1

        return keras.ops.while_loop(goes_on, round_of, (x, 0))[0]

    def compute_output_shape(self, shape):
        return shape


@ferryman.converter(SquareRoot, target="keras")
def newton(module, x):
    return NewtonsRoot()


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(scale * torch.randn(2, 6),) for scale in (1, 0, 100)]  # other numbers of rounds
    model = carry(Net(), inputs, target="keras")
    inner = [layer for part in model.keras.layers for layer in getattr(part, "layers", [])]
    claim("it is the layer", any(isinstance(layer, NewtonsRoot) for layer in inner))
