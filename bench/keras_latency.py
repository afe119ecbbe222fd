#!/usr/bin/env python3
"""Keras models that Ferryman writes: time to convert, size, latency next to Keras' own networks.

    bench/keras_latency.py --python PATH      of an environment with Keras on TensorFlow

Times are the least of several, taken in turn, in one process with one thread; what is told of them
is the ratio.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

import ferryman  # noqa: E402
from models import zoo  # noqa: E402

# A network of the zoo, and what keras.applications calls it.
PAIRS = {"mobilenet_v2": "MobileNetV2", "resnet50": "ResNet50"}
REPEATS = 7

LATENCY = """
import os, sys, time
import numpy as np, keras, tensorflow as tf
file, name, size, layout, repeats = sys.argv[1:]
own = getattr(keras.applications, name)(weights=None, input_shape=(int(size), int(size), 3))
models = {"converted": keras.saving.load_model(file, safe_mode=True), "keras": own}
image = np.random.default_rng(0).random((1, int(size), int(size), 3)).astype("float32")
given = {"converted": image.transpose(0, 3, 1, 2) if layout == "first" else image, "keras": image}
graphs = {key: tf.function(model, autograph=False) for key, model in models.items()}
ways = {
    "tf.function": lambda key: graphs[key](tf.constant(given[key])),
    "predict_on_batch": lambda key: models[key].predict_on_batch(given[key]),
}
for way, run in ways.items():
    times = {key: [] for key in models}
    for key in models:
        run(key)
    for _ in range(int(repeats)):
        for key in models:
            start = time.perf_counter()
            for _ in range(3):
                run(key)
            times[key].append((time.perf_counter() - start) / 3)
    least = {key: min(each) for key, each in times.items()}
    ratios = sorted(a / b for a, b in zip(times["converted"], times["keras"]))
    print(f"    {way}: {1e3 * least['converted']:.1f} ms, "
          f"Keras' own {1e3 * least['keras']:.1f} ms, "
          f"ratio {least['converted'] / least['keras']:.2f} "
          f"(in turn {ratios[0]:.2f} to {ratios[-1]:.2f})", flush=True)
"""


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        _conversion(Path(folder))
        for name, own in PAIRS.items():
            for layout in ("first", "last"):
                _latency(Path(folder), name, own, layout, options.python)


def _conversion(folder: Path) -> None:
    """Capture and core, without checks, each target in turn."""
    net, args = zoo.build("resnet50"), zoo.example_inputs("resnet50")
    seconds: dict[str, list[float]] = {"keras": [], "tflite": []}
    for _ in range(4):  # the first pays for imports
        for target, times in seconds.items():
            start = time.process_time()
            model = ferryman.convert(net, args, target=target, verify=False, progress=False)
            times.append(time.process_time() - start)
            model.save(folder / f"resnet50.{target}")
    least = {target: min(times[1:]) for target, times in seconds.items()}
    print(f"resnet50: {least['keras']:.2f} s to .keras, {least['tflite']:.2f} s to .tflite, "
          f"ratio {least['keras'] / least['tflite']:.2f}")  # fmt: skip
    weights = sum(t.numel() * t.element_size() for t in net.state_dict().values())
    size = (folder / "resnet50.keras").stat().st_size
    print(f"    {size} bytes, {100 * (size / weights - 1):.2f} % more than the state_dict")


def _latency(folder: Path, name: str, own: str, layout: str, python: str) -> None:
    net, args = zoo.build(name), zoo.example_inputs(name)
    options = {"input_layout": "channels_last"} if layout == "last" else {}
    model = ferryman.convert(net, args, target="keras", verify=False, progress=False, **options)
    model.save(folder / "net.keras")
    print(f"{name}, input channels {layout}:", flush=True)
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3",
                   "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # fmt: skip
    environment.pop("PYTHONPATH", None)
    size = str(args[0].shape[-1])
    command = [python, "-c", LATENCY, str(folder / "net.keras"), own, size, layout, str(REPEATS)]
    subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="of an environment with TensorFlow")
    return parser.parse_args()


if __name__ == "__main__":
    main()
