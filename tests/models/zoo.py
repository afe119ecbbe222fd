"""The models that must pass, built the same way every time.

model = zoo.build("resnet50")      # seeded, randomised, eval mode
zoo.example_inputs("resnet50")     # for the conversion
zoo.other_inputs("resnet50")       # for the comparison: other values than the example
"""

import dataclasses
from collections.abc import Callable

import torch
from torch import nn

from models import nets, torchvision_ops
from models.randomise import randomise


def torchvision_models():
    return torchvision_ops.with_operators().models


@dataclasses.dataclass(frozen=True)
class Entry:
    name: str
    make: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...] = ((1, 3, 224, 224),)


def _classifier(name, size=224, **options):
    def make():
        return getattr(torchvision_models(), name)(weights=None, **options)

    return Entry(name, make, ((1, 3, size, size),))


def _segmenter(name):
    def make():
        return getattr(torchvision_models().segmentation, name)(weights=None, weights_backbone=None)

    return Entry(name, make)


_ENTRIES = [
    _classifier("resnet50"),
    _classifier("resnext50_32x4d"),
    _classifier("wide_resnet50_2"),
    _classifier("vgg11_bn"),
    _classifier("alexnet"),
    _classifier("squeezenet1_1"),
    _classifier("densenet121"),
    _classifier("inception_v3", size=299, init_weights=False),
    _classifier("googlenet", init_weights=False),
    _classifier("mobilenet_v2"),
    _classifier("mobilenet_v3_large"),
    _classifier("mnasnet1_0"),
    _classifier("shufflenet_v2_x1_0"),
    _classifier("efficientnet_b0"),
    _classifier("efficientnet_v2_s"),
    _classifier("regnet_y_400mf"),
    _classifier("convnext_tiny"),
    _segmenter("fcn_resnet50"),
    _segmenter("deeplabv3_mobilenet_v3_large"),
    _segmenter("lraspp_mobilenet_v3_large"),
    Entry("unet", nets.UNet, ((1, 3, 128, 128),)),
    Entry("espcn", nets.ESPCN, ((1, 1, 64, 64),)),
    Entry("wavenet", nets.WaveNet, ((1, 1, 1024),)),
    Entry("dcgan", nets.DCGANGenerator, ((1, 100, 1, 1),)),
    Entry("every_other_relu", nets.EveryOtherRelu, ((1, 3, 64, 64),)),
]
ENTRIES = {entry.name: entry for entry in _ENTRIES}
NAMES = tuple(ENTRIES)
# A handful of small models that together reach most families: for quick tests.
QUICK_NAMES = (
    "squeezenet1_1",
    "mobilenet_v3_large",
    "unet",
    "espcn",
    "wavenet",
    "every_other_relu",
)

# Enough images to show a batch norm how much its inputs differ; layers that see 1 x 1 images need
# more than one value per channel anyway.
_CALIBRATION_BATCH = 8


def build(name):
    entry = ENTRIES[name]
    # A seed of our own; the caller's random state is untouched.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = entry.make()
        return randomise(module, _inputs(entry, batch=_CALIBRATION_BATCH))


def example_inputs(name):
    return _seeded_inputs(name, seed=1)


def other_inputs(name, seed=2):
    """Other values than the example's, whatever the seed."""
    return _seeded_inputs(name, seed=1000 + seed)


def _seeded_inputs(name, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _inputs(ENTRIES[name])


def _inputs(entry, batch=None):
    return tuple(_signal(batch or shape[0], *shape[1:]) for shape in entry.shapes)


def _signal(batch, channels, *size):
    """Smooth shapes and noise, each of its own brightness and contrast, as photographs are.

    On white noise deep layers see nearly constants, and any other input would drive them far out.
    """
    ones = [1] * len(size)
    coarse = torch.randn(batch, channels, *[-(-n // 16) for n in size])
    mode = "linear" if len(size) == 1 else "bilinear"
    smooth = nn.functional.interpolate(coarse, size, mode=mode)
    contrast = torch.empty(batch, 1, *ones).uniform_(0.5, 1.5)
    brightness = 0.5 * torch.randn(batch, channels, *ones)
    return contrast * (smooth + 0.3 * torch.randn(batch, channels, *size)) + brightness
