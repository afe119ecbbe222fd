"""What detectors of torchvision share here: few and distinct boxes, one picture as input.

Weights as drawn make features that hardly depend on the picture, and give nearly all boxes one
score; then rounding would decide on their order, and no comparison means anything.
"""

import torch
from torch import nn

FEW = {"topk_candidates": 20, "detections_per_img": 15, "num_classes": 4}
# Of maps of a few pixels; a smaller one would turn differences of rounding into visible ones.
_LEAST_VARIANCE = 0.05


class Detector(nn.Module):
    """Of one picture, [3, height, width]: boxes [n, 4], scores [n] and labels [n]."""

    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, image):
        return self.detector([image])[0]


@torch.no_grad()
def with_distinct_scores(detector: nn.Module, size: tuple[int, int]) -> nn.Module:
    """Gives batch norms the statistics of pictures, and scores more distance."""
    norms = [module for module in detector.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean over all that it sees
    detector.train()
    features = detector.backbone(torch.rand(4, 3, *size))
    detector.head(list(features.values()))
    for norm in norms:
        norm.running_var.clamp_(min=_LEAST_VARIANCE)
    for name, parameter in detector.named_parameters():
        if "classification_head" in name and parameter.dim() == 4:
            parameter.mul_(4)
    return detector.eval()
