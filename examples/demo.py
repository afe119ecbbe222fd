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
from ferryman.tree import duration, size  # noqa: E402
from models import zoo  # noqa: E402

NAME = "mobilenet_v3_large"
ROUNDS, WARM_UP = 33, 3


def main():
    torch.set_num_threads(1)
    module, example = zoo.build(NAME), zoo.example_inputs(NAME)
    torch.export.export(torch.nn.ReLU(), (torch.zeros(1),))  # the first of a process pays more

    print(f"Converting {NAME}, and comparing every node with PyTorch on LiteRT\n")
    model = ferryman.convert(module, example)
    model.report.show()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / f"{NAME}.pt2"
        torch.export.save(torch.export.export(module, example), archive)
        again = ferryman.convert(archive)
        archive_bytes = archive.stat().st_size
    same = again.path.read_bytes() == model.path.read_bytes()

    output = ROOT / "out" / f"{NAME}.tflite"
    output.parent.mkdir(exist_ok=True)
    model.save(output)
    print_stages(model, again)
    print_sizes(module, archive_bytes, output)
    print_latencies(module, output)
    verdict = "the same file, byte for byte" if same else "ANOTHER FILE than the live module"
    print(f"\nThe .pt2 gives {verdict}.")
    return 0 if same else 1


def print_stages(live, archive):
    print(f"\n{'stage':16}{'live':>12}{'from .pt2':>12}")
    for name in {**live.report.seconds, **archive.report.seconds}:
        times = [model.report.seconds.get(name) for model in (live, archive)]
        print(f"{name:16}" + "".join(f"{'' if t is None else duration(t):>12}" for t in times))


def print_sizes(module, archive_bytes, output):
    weights = sum(t.numel() * t.element_size() for t in module.state_dict().values())
    print(f"\nweights and buffers {size(weights)}, .pt2 {size(archive_bytes)}, ", end="")
    print(f"{output.relative_to(ROOT)} {size(output.stat().st_size)}")


def print_latencies(module, output):
    """Both on one thread, in turns, so that other work on the machine meets both alike; the median
    of the thread's own time."""
    (image,) = zoo.other_inputs(NAME)
    runner, array = Runner(output, Kernels.DELEGATE), image.numpy()
    calls = {"PyTorch eager": lambda: module(image), "LiteRT": lambda: runner.run([array])}
    times = {name: [] for name in calls}
    with torch.inference_mode():
        for round_number in range(ROUNDS):
            for name, call in calls.items():
                start = time.thread_time()
                call()
                if round_number >= WARM_UP:
                    times[name].append(time.thread_time() - start)
    medians = [f"{name} {1e3 * median(values):.1f} ms" for name, values in times.items()]
    print(f"latency, one thread: {', '.join(medians)}")


if __name__ == "__main__":
    sys.exit(main())
