#!/usr/bin/env python3
"""How the time of the core grows with the nodes of a program.

    bench/scaling.py [layers …]

Stacks of encoder layers of small width, so that nodes count and not weights.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

import torch  # noqa: E402
from torch import nn  # noqa: E402

from ferryman import _native  # noqa: E402
from ferryman.capture import capture, walk  # noqa: E402
from ferryman.native_contract import NativeReport, Options  # noqa: E402

LAYERS = (12, 50, 150, 400)


def main() -> int:
    counts = [int(text) for text in sys.argv[1:]] or LAYERS
    for layers in counts:
        measure(layers)
    return 0


def measure(layers: int) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
    module = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).eval()
    program = capture(module, (torch.randn(1, 8, 16),))
    nodes = sum(node.op == "call_function" for node in program.graph.nodes)
    buffer, tensors = walk(program)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.tflite")
        report = NativeReport.from_json(
            _native.convert_live(buffer, tensors, path, Options(target="tflite").to_json())
        )
    seconds = dict(report.stages)
    total = sum(seconds.values())
    slowest = sorted(seconds, key=seconds.get, reverse=True)[:3]
    parts = ", ".join(f"{stage} {1e3 * seconds[stage]:.0f}" for stage in slowest)
    print(
        f"{layers} layers: {nodes} nodes, {sum(report.ops.values())} operators, core "
        f"{1e3 * total:.0f} ms ({parts}), {1e6 * total / nodes:.1f} us for each node",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
