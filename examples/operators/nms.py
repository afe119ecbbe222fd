"""Non-maximum suppression, as torchvision spells it in four ways, and in batches of classes.

The indices are PyTorch's, and there are as many as there are boxes left.

python -m examples.operators.nms
"""

import torch

from examples.carry import carry, claim, operators
from examples.vision import torchvision

THRESHOLD = 0.5


def by_function(boxes, scores):
    return torchvision.ops.nms(boxes, scores, THRESHOLD)


def by_submodule(boxes, scores):
    return torchvision.ops.boxes.nms(boxes, scores, THRESHOLD)


def by_operator(boxes, scores):
    return torch.ops.torchvision.nms(boxes, scores, THRESHOLD)


def by_overload(boxes, scores):
    return torch.ops.torchvision.nms.default(boxes, scores, THRESHOLD)


def by_class(boxes, scores, classes):
    """Boxes of different classes do not compete."""
    return torchvision.ops.batched_nms(boxes, scores, classes, THRESHOLD)


def boxes_and_scores(count=30):
    corner = 20 * torch.rand(count, 2)
    return torch.cat([corner, corner + 5 + 10 * torch.rand(count, 2)], dim=1), torch.rand(count)


if __name__ == "__main__":
    torch.manual_seed(0)
    several = [boxes_and_scores() for _ in range(3)]
    for function in (by_function, by_submodule, by_operator, by_overload):
        model = carry(function, several)
        claim("one operator for it", operators(model).get("NON_MAX_SUPPRESSION_V4") == 1)
    carry(by_class, [(*each, torch.randint(3, (30,))) for each in several])
