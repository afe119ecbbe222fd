"""torchvision for the examples, also from a wheel whose compiled operators do not fit this torch.

    from examples.vision import torchvision
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from models.torchvision_ops import with_operators  # noqa: E402

torchvision = with_operators()
