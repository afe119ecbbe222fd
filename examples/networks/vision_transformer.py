"""A vision transformer, to TFLite and to Keras, for any batch.

Its attention is nn.MultiheadAttention; in Keras it is the MultiHeadAttention layer.

python -m examples.networks.vision_transformer
"""

import torch

from examples.carry import carry, claim, operators
from examples.vision import torchvision

LAYERS = 3


def small_transformer():
    net = torchvision.models.VisionTransformer(
        image_size=64,
        patch_size=16,
        num_layers=LAYERS,
        num_heads=4,
        hidden_dim=64,
        mlp_dim=128,
        num_classes=10,
    )
    torch.nn.init.normal_(net.heads.head.weight)  # zeros as drawn
    return net


if __name__ == "__main__":
    torch.manual_seed(0)
    net = small_transformer()
    images = [(torch.randn(batch, 3, 64, 64),) for batch in (2, 1, 5)]
    for target in ("tflite", "keras"):
        model = carry(net, images, target=target, dynamic_shapes={"x": {0: "batch"}})
    layers = operators(model).get("MultiHeadAttention", 0)
    claim("a MultiHeadAttention for each layer", layers == LAYERS)
