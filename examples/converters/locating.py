"""Where the conversion of something lives, and its source: the core's, or one's own.

python -m examples.converters.locating
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from examples.carry import claim

if __name__ == "__main__":
    found = ferryman.locate(torch.Tensor.repeat)
    print(found)
    claim("a method of tensors", found.name.startswith("aten::repeat") and found.line > 0)
    claim("is in the core", Path(found.file).suffix in (".cc", ".h") and found.source)
    for subject in (F.hardsigmoid, nn.Conv2d, "aten::cumsum", torch.ops.aten.relu.default):
        there = ferryman.locate(subject)
        print(f"{there.name}: {there.file}:{there.line}")

    @ferryman.converter(torch.Tensor.repeat)
    def repeat(x, *counts):
        return torch.tile(x, counts)

    mine = ferryman.locate(torch.Tensor.repeat)
    print(f"\n{mine}")
    claim("one's own comes before", mine.name == "repeat" and Path(mine.file).name == "locating.py")
    claim("its source, too", "torch.tile" in mine.source)
    ferryman.unregister(repeat)
    claim("and then the core's again", ferryman.locate(torch.Tensor.repeat) == found)
    claim("none of what has none", ferryman.locate("examples::unknown") is None)
