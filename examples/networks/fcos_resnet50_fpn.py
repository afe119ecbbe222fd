"""FCOS with ResNet-50 and a pyramid of features, on a small picture that it scales itself.

python -m examples.networks.fcos_resnet50_fpn
"""

import torch

from examples.carry import carry, claim, operators
from examples.networks.detection import FEW, Detector, with_distinct_scores
from examples.vision import torchvision

if __name__ == "__main__":
    torch.manual_seed(0)
    make = torchvision.models.detection.fcos_resnet50_fpn
    detector = make(weights=None, weights_backbone=None, min_size=128, max_size=160, **FEW)
    net = Detector(with_distinct_scores(detector, (128, 160)))
    pictures = [(torch.rand(3, 96, 120),) for _ in range(2)]
    model = carry(net, pictures)
    claim("suppression is an operator", operators(model).get("NON_MAX_SUPPRESSION_V4", 0) >= 1)
    for picture in pictures:
        print(f"{len(model(*picture)['boxes'])} boxes")
