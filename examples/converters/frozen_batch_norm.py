"""A norm of the model's own, frozen as DETR's: a converter that says which layer it is.

Ferryman folds it into the convolution before it without help; the converter is for those who would
rather say so, and gives the same file. For Keras it names the layer itself.

python -m examples.converters.frozen_batch_norm
"""

import keras
import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from examples.carry import carry, claim, operators


class FrozenBatchNorm2d(nn.Module):
    def __init__(self, channels, epsilon=1e-5):
        super().__init__()
        self.epsilon = epsilon
        for name in ("weight", "bias", "mean"):
            self.register_buffer(name, torch.randn(channels))
        self.register_buffer("variance", torch.rand(channels) + 0.5)

    def forward(self, x):
        scale = self.weight * (self.variance + self.epsilon).rsqrt()
        shift = self.bias - self.mean * scale
        return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)


@ferryman.converter(FrozenBatchNorm2d, target="tflite")
def as_batch_norm(module, x):
    statistics = module.mean, module.variance, module.weight, module.bias
    return F.batch_norm(x, *statistics, eps=module.epsilon)


@ferryman.converter(FrozenBatchNorm2d, target="keras", axes="channels_last")
def as_layer(module, x):
    layer = keras.layers.BatchNormalization(epsilon=module.epsilon)
    layer.build(x.shape)
    weights = module.weight, module.bias, module.mean, module.variance
    layer.set_weights([each.numpy() for each in weights])
    return layer


if __name__ == "__main__":
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), FrozenBatchNorm2d(8), nn.ReLU())
    images = [(torch.randn(1, 3, 16, 16),) for _ in range(3)]
    last = {"input_layout": "channels_last", "output_layout": "channels_last"}
    model = carry(net, images, converters=[as_batch_norm], **last)
    claim("norm and ReLU are in the convolution", operators(model) == {"CONV_2D": 1})
    ferryman.unregister(as_batch_norm)
    claim("without help, too", operators(carry(net, images, **last)) == {"CONV_2D": 1})

    model = carry(net, images, target="keras", **last)
    inner = [layer for part in model.keras.layers for layer in getattr(part, "layers", [])]
    kinds = [type(layer).__name__ for layer in inner]
    claim("for Keras it is the layer", kinds.count("BatchNormalization") == 1)
    permutes = [each for each in model.keras.layers if isinstance(each, keras.layers.Permute)]
    claim("nothing is permuted", not permutes)
