"""SSDLite320 with MobileNetV3, whole: from a picture to boxes after non-maximum suppression.

How many boxes there are is known only when the file runs; the results have as many.

python -m examples.networks.ssdlite320
"""

import torch

from examples.carry import carry, claim, operators
from examples.networks.detection import FEW, Detector, with_distinct_scores
from examples.vision import torchvision

if __name__ == "__main__":
    torch.manual_seed(0)
    make = torchvision.models.detection.ssdlite320_mobilenet_v3_large
    detector = make(weights=None, weights_backbone=None, **FEW)
    net = Detector(with_distinct_scores(detector, (320, 320)))
    pictures = [(torch.rand(3, 320, 320),) for _ in range(2)]
    model = carry(net, pictures)
    claim("suppression is an operator", operators(model).get("NON_MAX_SUPPRESSION_V4", 0) >= 1)
    for picture in pictures:
        print(f"{len(model(*picture)['boxes'])} boxes")
