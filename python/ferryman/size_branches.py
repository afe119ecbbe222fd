"""Functions of libraries that take one of several ways to the same result by a size, which
torch.export would have to know. While a program is captured they take the one that works for all:

    with one_way():
        program = torch.export.export(model, args)

torchvision's batched_nms looks at the number of boxes: of many it treats the classes one after the
other, of few it moves each class to a place of its own, and of none it does nothing. The second
does for all of them, here with the places in a grid and not in a row: large coordinates round.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

from .conversions.exchange import answered


@contextlib.contextmanager
def one_way() -> Iterator[None]:
    library = sys.modules.get("torchvision.ops.boxes")
    function = getattr(library, "batched_nms", None)
    names = getattr(function, "__globals__", {})
    if not ("nms" in names and names.get("torch") is torch):
        yield
        return

    def batched_nms(boxes, scores, idxs, iou_threshold):
        # The zero is for a maximum of no boxes.
        largest = torch.cat([boxes.flatten(), boxes.new_zeros(1)]).max()
        number = idxs.to(boxes)
        row = torch.floor(number / 16)
        place = torch.stack([number - 16 * row, row], 1) * (largest + 1)
        return names["nms"](boxes + place.repeat(1, 2), scores, iou_threshold)

    def answer(original: Callable, args: tuple, kwargs: dict[str, Any]) -> torch.Tensor:
        return batched_nms(*args, **kwargs)

    with answered(function, answer):
        yield
