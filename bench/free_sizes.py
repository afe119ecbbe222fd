#!/usr/bin/env python3
"""Files with free sizes against files of one size: plan, latency, partitions, loading, the core.

    bench/free_sizes.py [name …]

The free file runs at the size that the static one was made for. One thread, thread CPU time, both
interleaved in one run; ratios are medians over all rounds. "resize" is one resize with its
allocation, against loading and allocating the static file. "core" is the time of the C++ core, of
the better of two conversions. Names as bench/networks.py has them.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
from torch.utils import _pytree as pytree

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests"), str(ROOT / "bench")]

import ferryman  # noqa: E402
import latency  # noqa: E402
import networks  # noqa: E402
from models import zoo  # noqa: E402

BATCH = {0: "batch"}
PICTURE = {0: "batch", 2: "height", 3: "width"}
TEXT = {0: "batch", 1: "length"}
# Which axes of every input are free, where it is not the batch alone.
AXES = {
    **dict.fromkeys(("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "unet", "espcn"), PICTURE),
    "lraspp_mobilenet_v3_large": PICTURE,
    "wavenet": {0: "batch", 2: "time"},
    "bench:bert": TEXT,
    "bench:gpt2": TEXT,
    "bench:llama": TEXT,
    "bench:t5_encoder": TEXT,
    "bench:distilbert": TEXT,
    "bench:encoder": TEXT,
    "bench:wav2vec2": {0: "batch", 1: "time"},
    "bench:conv_tasnet": {0: "batch", -1: "time"},
    "bench:lstm": {0: "batch", 1: "time"},
    "bench:gru": {0: "batch", 1: "time"},
    "bench:yolov8n": {0: "batch", 2: "32*height", 3: "32*width"},
    "bench:vit_b_16": BATCH,
    "bench:whisper_encoder": BATCH,
}
NAMES = tuple(dict.fromkeys((*zoo.NAMES, *AXES)))
# A net takes some of these batches only where it must.
BATCHES = {"dcgan": 4}
# At most: of the static file's latency, of the time of loading it, of the core's time.
LATENCY, CONVOLUTIONAL_LATENCY, RESIZE, CORE = 1.05, 1.02, 1.0, 1.3


@dataclasses.dataclass(frozen=True)
class Made:
    """A file, and what is told of it."""

    path: Path
    core_seconds: float
    transposes: int
    ops: dict[str, int]

    @property
    def operators(self) -> int:
        return sum(self.ops.values())


def make(module, args, path: Path, shapes=None) -> Made:
    seconds = []
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = ferryman.convert(
                module, args, dynamic_shapes=shapes, verify=False, progress=False
            )
        own = ("capture", "decompose", "hand over")
        seconds.append(sum(t for stage, t in model.report.seconds.items() if stage not in own))
    model.save(path)
    native = model.report.native
    return Made(path, min(seconds), len(native.layout.transposes), native.ops)


def measure(name: str, folder: Path) -> list[str]:
    """Prints a line; what of it misses a target."""
    module, args = networks.build(name)
    axes = AXES.get(name, BATCH)
    static = make(module, args, folder / "static.tflite")
    tensors = [leaf for leaf in pytree.tree_leaves(args) if isinstance(leaf, torch.Tensor)]
    free = make(module, args, folder / "free.tflite", tuple(axes for _ in tensors))
    shapes = [detail["shape"] for detail in latency.opened(static.path).get_input_details()]
    times = [
        latency.interleave(
            {"free": latency.opened(free.path, shapes), "static": latency.opened(static.path)},
            latency.ROUNDS,
        )
        for _ in range(latency.PASSES)
    ]
    speed = latency.ratio(
        *(latency.Times(tuple(tuple(each[way]) for each in times)) for way in ("free", "static"))
    )
    looks = latency.look(static.path), latency.look(free.path)
    resize = resize_seconds(free.path, shapes) / load_seconds(static.path)
    core = free.core_seconds / static.core_seconds
    allowed = looks[0].partitions + -(-static.operators // 100)
    print(
        f"{name:30} latency {speed}  operators {static.operators} -> {free.operators}"
        f"  partitions {looks[0].partitions} -> {looks[1].partitions}"
        f"  transposes {static.transposes} -> {free.transposes}"
        f"  resize {resize:.2f}  core {static.core_seconds:.3f} s, {core:.2f}",
        flush=True,
    )
    print(*differences(static, free), sep="\n", flush=True)
    is_convolutional = not name.startswith("bench:")
    limits = {
        "latency": (speed.value, CONVOLUTIONAL_LATENCY if is_convolutional else LATENCY),
        "partitions": (looks[1].partitions, allowed),
        "resize": (resize, RESIZE),
        "core": (core, CORE),
    }
    return [
        f"{name}: {what} is {value:.2f}, target {limit:.2f}"
        for what, (value, limit) in limits.items()
        if value > limit
    ]


def differences(static: Made, free: Made):
    for op in sorted(static.ops.keys() | free.ops.keys()):
        counts = static.ops.get(op, 0), free.ops.get(op, 0)
        if counts[0] != counts[1]:
            yield f"    {op} {counts[0]} -> {counts[1]}"


def load_seconds(path: Path) -> float:
    return min(_timed(lambda: latency.opened(path)) for _ in range(5))


def resize_seconds(path: Path, shapes) -> float:
    """One resize and its allocation, of an interpreter that has run with other sizes."""
    interpreter = latency.opened(path, shapes)
    others = [[2 * shape[0], *shape[1:]] for shape in shapes]
    found = []
    for wanted in [others, shapes] * 3:
        interpreter.invoke()
        latency.resize(interpreter, wanted)
        found.append(_timed(interpreter.allocate_tensors))
        latency.fill(interpreter)
    return min(found)


def _timed(action) -> float:
    start = time.thread_time()
    action()
    return time.thread_time() - start


def main(names: list[str]) -> int:
    torch.set_num_threads(1)
    missed = []
    for name in names or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            try:
                missed += measure(name, Path(folder))
            except ferryman.Error as error:
                missed.append(f"{name}: {error}")
    print(*missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
