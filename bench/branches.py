#!/usr/bin/env python3
"""What a branch costs: one that is not taken, and a small one against computing both sides.

    bench/branches.py

One thread, thread CPU time, files interleaved; ratios are medians over all rounds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "bench")]

import ferryman  # noqa: E402
import latency  # noqa: E402

# A branch that is not taken may cost so much more than the file without it.
TARGET = 1.05
SIZES = (4, 64, 1024, 4096, 16384, 65536)


class Trunk(nn.Module):
    """Convolutions, with ten more in a branch that a flag skips: true, as all flags of the
    benchmark are."""

    def __init__(self, *, branches: bool, channels: int = 32):
        super().__init__()
        convs = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(14)]
        self.before = nn.Sequential(nn.Conv2d(3, channels, 3, stride=2, padding=1), *convs[:2])
        self.branch = nn.Sequential(*convs[2:12])
        self.after = nn.Sequential(*convs[12:])
        self.branches = branches

    def forward(self, x, skip):
        x = self.before(x)
        if self.branches:
            x = torch.cond(skip, lambda x: x.clone(), lambda x: self.branch(x), (x,))
        return self.after(x).mean() + skip


class Small(nn.Module):
    """Both sides pointwise: computed both, or behind a branch."""

    def __init__(self, *, branches: bool):
        super().__init__()
        self.branches = branches

    def forward(self, x, flag):
        if not self.branches:
            return torch.where(flag, x * 2 + 1, (x - 1).tanh())
        # A sum along an axis of one entry keeps the branch one.
        return torch.cond(
            flag,
            lambda x: (x * 2 + 1).unsqueeze(0).cumsum(0).squeeze(0),
            lambda x: (x - 1).tanh(),
            (x,),
        )


def main() -> int:
    folder = Path(tempfile.mkdtemp())
    missed = report_untaken(folder)
    for size in SIZES:
        report_small(folder, size)
    return 1 if missed else 0


def converted(folder: Path, name: str, module: nn.Module, *args) -> Path:
    torch.manual_seed(0)
    path = folder / f"{name}.tflite"
    ferryman.convert(module.eval(), args, progress=False).save(path)
    return path


def report_untaken(folder: Path) -> bool:
    image = torch.randn(1, 3, 64, 64)
    files = {
        name: converted(folder, name, Trunk(branches=name == "branch"), image, torch.tensor(True))
        for name in ("branch", "without")
    }
    times = latency.measure(files)
    ratio = latency.ratio(times["branch"], times["without"])
    print(f"ten convolutions not taken: ratio {ratio}, at most {TARGET}", flush=True)
    return ratio.spread[0] > TARGET


def report_small(folder: Path, size: int) -> None:
    x = torch.randn(size)
    files = {
        name: converted(
            folder, f"{name}_{size}", Small(branches=name == "if"), x, torch.tensor(True)
        )
        for name in ("if", "where")
    }
    times = latency.measure(files)
    print(
        f"pointwise sides of {size}: if {1e3 * times['if'].milliseconds:.1f} us, both and where "
        f"{1e3 * times['where'].milliseconds:.1f} us, "
        f"ratio {latency.ratio(times['if'], times['where'])}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
