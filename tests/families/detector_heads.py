"""What follows the backbone of torchvision's detectors, on maps of features of its own.

With weights as they are drawn, a whole detector gives nearly all boxes one score, and their order
is a matter of rounding. On features drawn one by one the scores lie apart, so results can be
compared.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

_SIZE = 320


class DetectorHead(nn.Module):
    """Heads, anchors and postprocessing; of Faster R-CNN proposals and regions, too."""

    def __init__(self, detector: nn.Module):
        super().__init__()
        self.detector = detector
        # So that boxes pass the threshold of scores, and scores lie apart.
        for name, parameter in detector.named_parameters():
            if "classification_head" in name or "cls_" in name:
                parameter.data.mul_(30 if hasattr(detector, "rpn") else 3)
        if hasattr(detector, "roi_heads"):
            detector.roi_heads.score_thresh = 0.02

    def forward(self, features: list[torch.Tensor]):
        from torchvision.models.detection.image_list import ImageList

        size = (_SIZE, _SIZE)
        images = ImageList(features[0].new_zeros(1, 3, *size), [size])
        detector = self.detector
        if hasattr(detector, "rpn"):
            maps = OrderedDict((str(i), feature) for i, feature in enumerate(features))
            proposals, _ = detector.rpn(images, maps)
            return detector.roi_heads(maps, proposals, [size])[0]
        anchors = detector.anchor_generator(images, features)
        return detector.postprocess_detections(detector.head(features), anchors, [size])


def feature_maps(detector: nn.Module):
    """Draws maps of the shapes that the backbone gives."""
    with torch.no_grad():
        maps = detector.eval().backbone(torch.zeros(1, 3, _SIZE, _SIZE))
        shapes = [x.shape for x in maps.values()]
    return lambda seed: (([torch.randn(shape) for shape in shapes],), {})
