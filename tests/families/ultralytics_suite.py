"""ultralytics: the smallest YOLO of each kind, with its boxes decoded in the graph as its own
exports have it, and the head's raw maps."""

from __future__ import annotations

import functools

import torch
from torch import nn

from families.family import Family, images
from models import torchvision_ops

_DECODED = ("yolov3-tiny yolov5n yolov6n yolov8n yolov9t yolov10n yolo11n yolo12n yolov8n-seg "
            "yolov8n-pose yolov8n-obb yolov8n-cls yolo11n-seg").split()  # fmt: skip
_RAW = ("yolov8n", "yolo11n")


def families() -> list[Family]:
    inputs = images(1, 3, 320, 320)
    found = [Family("ultralytics", name, functools.partial(_make, name), inputs)
             for name in _DECODED]  # fmt: skip
    found += [Family("ultralytics", f"{name}-raw", functools.partial(_raw, name), inputs)
              for name in _RAW]  # fmt: skip
    return found


def _make(name: str) -> nn.Module:
    torchvision_ops.define()  # it imports torchvision
    from ultralytics.nn import tasks

    kind = {"seg": tasks.SegmentationModel, "pose": tasks.PoseModel, "obb": tasks.OBBModel,
            "cls": tasks.ClassificationModel}  # fmt: skip
    model = kind.get(name.partition("-")[2], tasks.DetectionModel)(f"{name}.yaml", verbose=False)
    for layer in model.modules():
        if hasattr(layer, "export"):
            layer.export, layer.format = True, "tflite"
    return Decoded(model)


class Decoded(nn.Module):
    """Remembers nothing between calls: anchors are made at the first one."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model.eval()
        with torch.no_grad():
            model(torch.zeros(1, 3, 320, 320))

    def forward(self, image):
        return self.model(image)


def _raw(name: str) -> nn.Module:
    return RawMaps(_make(name).model)


class RawMaps(nn.Module):
    """The maps that go into the head, and what its convolutions make of them."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.boxes, self.classes = model.model[-1].cv2, model.model[-1].cv3

    def forward(self, image):
        maps, kept = image, []
        for layer in self.model.model[:-1]:
            if layer.f != -1:
                sources = [layer.f] if isinstance(layer.f, int) else layer.f
                given = [maps if j == -1 else kept[j] for j in sources]
                maps = given[0] if isinstance(layer.f, int) else given
            maps = layer(maps)
            kept.append(maps)
        found = [kept[j] for j in self.model.model[-1].f]
        return [
            torch.cat([box(x), label(x)], 1)
            for x, box, label in zip(found, self.boxes, self.classes)
        ]
