"""torchvision: the smallest model of each family of classification, segmentation, video and optical
flow, and its detectors."""

from __future__ import annotations

import functools

import torch

from families.detector_heads import DetectorHead, feature_maps
from families.family import Family, images
from models import zoo

_CLASSIFICATION = (
    "alexnet vgg11 squeezenet1_0 resnet18 resnext50_32x4d wide_resnet50_2 densenet121 inception_v3 "
    "googlenet mobilenet_v2 mobilenet_v3_small mnasnet0_5 shufflenet_v2_x0_5 efficientnet_b0 "
    "efficientnet_v2_s regnet_x_400mf regnet_y_400mf convnext_tiny vit_b_32 swin_t swin_v2_t "
    "maxvit_t"
).split()
_SEGMENTATION = (
    "fcn_resnet50 deeplabv3_resnet50 deeplabv3_mobilenet_v3_large lraspp_mobilenet_v3_large"
).split()
_VIDEO = "r3d_18 mc3_18 r2plus1d_18 s3d mvit_v1_b swin3d_t".split()
_DETECTION = (
    "ssdlite320_mobilenet_v3_large fcos_resnet50_fpn retinanet_resnet50_fpn "
    "fasterrcnn_mobilenet_v3_large_320_fpn"
).split()
# On maps of features: see detector_heads.py.
_HEADS = "ssdlite320_mobilenet_v3_large fasterrcnn_mobilenet_v3_large_320_fpn".split()
_SIZES = {"inception_v3": 299, "swin_v2_t": 256}


def families() -> list[Family]:
    found = []
    for name in _CLASSIFICATION:
        size = _SIZES.get(name, 224)
        found.append(_family(name, _classifier, images(1, 3, size, size)))
    found += [_family(name, _segmenter, images(1, 3, 128, 128)) for name in _SEGMENTATION]
    for name in _VIDEO:
        frames, size = (16, 224) if name in ("mvit_v1_b", "s3d") else (8, 112)
        found.append(_family(name, _video, images(1, 3, frames, size, size)))
    found.append(_family("raft_small", _flow, _two_images))
    found += [_family(name, _detector, _list_of_images) for name in _DETECTION]
    found += [_detector_head(name) for name in _HEADS]
    return found


def _family(name: str, make, inputs) -> Family:
    return Family("torchvision", name, functools.partial(make, name), inputs)


def _classifier(name: str):
    options = {"init_weights": False} if name in ("inception_v3", "googlenet") else {}
    return getattr(zoo.torchvision_models(), name)(weights=None, **options)


def _segmenter(name: str):
    return getattr(zoo.torchvision_models().segmentation, name)(weights=None, weights_backbone=None)


def _video(name: str):
    return getattr(zoo.torchvision_models().video, name)(weights=None)


def _flow(name: str):
    return getattr(zoo.torchvision_models().optical_flow, name)(weights=None)


# Those that do not scale images to 320 by themselves.
_SCALED = "fcos_resnet50_fpn retinanet_resnet50_fpn".split()


def _detector(name: str):
    make = getattr(zoo.torchvision_models().detection, name)
    options = {"min_size": 320, "max_size": 320} if name in _SCALED else {}
    return make(weights=None, weights_backbone=None, **options)


def _detector_head(name: str) -> Family:
    def inputs(seed: int):
        return feature_maps(_detector(name))(seed)

    return Family("torchvision", f"{name}_head", lambda: DetectorHead(_detector(name)), inputs)


def _two_images(seed: int):
    return (torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 128)), {}


def _list_of_images(seed: int):
    return ([torch.rand(3, 320, 320)],), {}
