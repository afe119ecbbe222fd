"""A Swin transformer of version 2: shifted windows, cosine attention, logarithmic positions.

python -m examples.networks.swin_v2
"""

import torch

from examples.carry import carry
from examples.vision import torchvision


def small_swin():
    swin = torchvision.models.swin_transformer
    return swin.SwinTransformer(
        patch_size=[4, 4],
        embed_dim=24,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=[4, 4],
        stochastic_depth_prob=0.2,
        num_classes=10,
        block=swin.SwinTransformerBlockV2,
        downsample_layer=swin.PatchMergingV2,
    )


if __name__ == "__main__":
    torch.manual_seed(0)
    images = [(torch.randn(1, 3, 64, 64),) for _ in range(3)]
    carry(small_swin(), images, input_layout="channels_last")
