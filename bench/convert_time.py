#!/usr/bin/env python3
"""Time of conversion, as ratios within one run.

* The core, from the program in memory to the file written: for ResNet-50 at most 3 times one copy
  of its weights; for every other model under 100 ms.
* The whole, from the live module: at most 1.15 times torch.export alone.

Times are processor time: what else the machine does lengthens wall time a lot, this only little.
The core has one thread, and so does torch here. Waiting for the disk does not count.
"""

from __future__ import annotations

import sys
import tempfile
import time
from math import exp, log
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

import ferryman  # noqa: E402
from ferryman import _native  # noqa: E402
from ferryman.capture import capture, walk  # noqa: E402
from ferryman.native_contract import Options  # noqa: E402
from models import zoo  # noqa: E402

ROUNDS = 3
MAX_COPIES, MAX_CORE_SECONDS, MAX_EXPORTS = 3.0, 0.1, 1.15


def main() -> int:
    torch.set_num_threads(1)
    missed, ratios = [], []
    for name in sys.argv[1:] or zoo.NAMES:
        module, example = zoo.build(name), zoo.example_inputs(name)
        core, copy = core_seconds(module, example)
        whole, export = whole_seconds(module, example)
        ratios.append(whole / export)
        print(
            f"{name}: core {1e3 * core:.1f} ms, {core / copy:.2f} copies of the weights; "
            f"whole {whole:.2f} s, {whole / export:.3f} exports",
            flush=True,
        )
        if name == "resnet50" and core / copy > MAX_COPIES:
            missed.append(f"{name}: copies")
        if name != "resnet50" and core > MAX_CORE_SECONDS:
            missed.append(f"{name}: core")
    mean = exp(sum(map(log, ratios)) / len(ratios))
    print(f"geometric mean of whole to export: {mean:.3f} (at most {MAX_EXPORTS})")
    missed += ["whole"] if mean > MAX_EXPORTS else []
    print("missed: " + (", ".join(missed) or "nothing"))
    return 1 if missed else 0


def core_seconds(module, example) -> tuple[float, float]:
    """The core's time and that of one copy of all weights, alternating."""
    buffer, tensors = walk(capture(module, example))
    weights = [p.detach() for p in module.parameters()]
    core, copy = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.tflite")
        for _ in range(3 * ROUNDS):
            core.append(
                seconds(lambda: _native.convert_live(buffer, tensors, path, Options().to_json()))
            )
            copy.append(seconds(lambda: [weight.clone() for weight in weights]))
    return min(core), min(copy)


def whole_seconds(module, example) -> tuple[float, float]:
    whole, export = [], []
    torch.export.export(module, example)
    for _ in range(ROUNDS):
        whole.append(
            seconds(lambda: ferryman.convert(module, example, verify=False, progress=False))
        )
        export.append(seconds(lambda: torch.export.export(module, example)))
    return min(whole), min(export)


def seconds(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
