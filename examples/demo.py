#!/usr/bin/env python3
"""The main job, start to end: torchvision's MobileNetV3-Large becomes a .tflite file.

Converted live and again from its .pt2, checked node by node on LiteRT; then both are timed.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

import ferryman  # noqa: E402
from ferryman.runtime import Kernels, Runner  # noqa: E402
from models import zoo  # noqa: E402

NAME = "mobilenet_v3_large"


def main():
    torch.set_num_threads(1)
    module, example = zoo.build(NAME), zoo.example_inputs(NAME)
    torch.export.export(torch.nn.ReLU(), (torch.zeros(1),))  # the first of a process pays more

    print(f"Converting {NAME}, and comparing every node with PyTorch on LiteRT\n")
    model = ferryman.convert(module, example)
    model.report.show()
    same = convert_archive(module, example, model)

    output = ROOT / "out" / f"{NAME}.tflite"
    output.parent.mkdir(exist_ok=True)
    model.save(output)
    print_latencies(module, output)
    return 0 if same else 1


def convert_archive(module, example, model):
    """True if the .pt2 gives the same file as the live module."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / f"{NAME}.pt2"
        torch.export.save(torch.export.export(module, example), archive)
        again = ferryman.convert(archive)
        size = archive.stat().st_size
    same = again.path.read_bytes() == model.path.read_bytes()
    verdict = "the same file, byte for byte" if same else "ANOTHER file"
    print(f"\nFrom {archive.name} ({size / 1e6:.2f} MB): {verdict}")
    print(", ".join(f"{name} {s:.3f} s" for name, s in again.report.seconds.items()))
    return same


def print_latencies(module, output):
    (image,) = zoo.other_inputs(NAME)
    runner, array = Runner(output, Kernels.DELEGATE), image.numpy()
    with torch.inference_mode():
        eager = milliseconds(lambda: module(image))
    litert = milliseconds(lambda: runner.run([array]))
    print(f"\n{output.relative_to(ROOT)}, {output.stat().st_size / 1e6:.2f} MB; one thread:")
    print(f"PyTorch eager {eager:.1f} ms, LiteRT {litert:.1f} ms")


def milliseconds(call, rounds=30):
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


if __name__ == "__main__":
    sys.exit(main())
