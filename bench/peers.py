#!/usr/bin/env python3
"""Speed of Ferryman's files against others' files for the same models.

    bench/peers.py [name …]

Peers have environments of their own, made at the first run: litert-torch converts the same zoo;
TensorFlow converts Keras' own models, the limit for plain CNNs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from math import exp, log
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests"), str(ROOT / "bench")]

import ferryman  # noqa: E402
import latency  # noqa: E402
from models import zoo  # noqa: E402

OUTPUT = ROOT / "out" / "bench"
# torch before what depends on it, so that it decides the version.
ENVIRONMENTS = {
    "litert-torch": (
        ["torch==2.13.0"],
        ["--no-deps", "torchvision==0.28.*"],
        ["pillow", "litert-torch"],
    ),
    "keras": (["tensorflow"],),
}
# The README's targets: ratio to litert-torch's file at most.
TARGETS = {"convnext_tiny": 0.75, "dcgan": 0.6, "unet": 0.95, "densenet121": 0.96,
           "shufflenet_v2_x1_0": 0.96}  # fmt: skip
TARGET, TARGET_MEAN, TARGET_KERAS = 1.03, 0.93, 1.01
KERAS_NAMES = {"mobilenet_v2": "MobileNetV2", "resnet50": "ResNet50", "densenet121": "DenseNet121",
               "efficientnet_b0": "EfficientNetB0"}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(zoo.NAMES), metavar="name")
    names = parser.parse_args().names
    missed = []
    ratios = []
    for name in names:
        files = {"ferryman": own_file(name), "litert-torch": peer_file("litert-torch", name)}
        if name in KERAS_NAMES:
            files["keras"] = peer_file("keras", KERAS_NAMES[name])
        files = {tool: path for tool, path in files.items() if path is not None}
        if "ferryman" not in files:
            missed.append(name)
            continue
        medians = latency.measure(files)
        missed += report(name, medians)
        if "litert-torch" in medians:
            ratios.append(medians["ferryman"] / medians["litert-torch"])
    if ratios:
        mean = exp(sum(map(log, ratios)) / len(ratios))
        print(f"geometric mean over {len(ratios)} models: {mean:.3f} (at most {TARGET_MEAN})")
        missed += ["the mean"] if mean > TARGET_MEAN else []
    print("missed: " + (", ".join(missed) or "nothing"))
    return 1 if missed else 0


def report(name: str, medians: dict[str, float]) -> list[str]:
    """Prints a line; returns the name if a target is missed."""
    own = medians["ferryman"]
    parts, missed = [f"{name}: {own:.2f} ms"], False
    for tool, limit in (("litert-torch", TARGETS.get(name, TARGET)), ("keras", TARGET_KERAS)):
        if tool in medians:
            ratio = own / medians[tool]
            missed |= ratio > limit
            parts.append(f"{tool} {medians[tool]:.2f} ms, ratio {ratio:.3f} (at most {limit})")
    print("; ".join(parts), flush=True)
    return [name] if missed else []


def own_file(name: str) -> Path | None:
    path = OUTPUT / "ferryman" / f"{name}.tflite"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        ferryman.convert(
            zoo.build(name), zoo.example_inputs(name), verify=False, progress=False
        ).save(path)
    except ferryman.Error as error:
        print(f"{name}: {error}")
        return None
    return path


def peer_file(tool: str, name: str) -> Path | None:
    """The peer's file, made once."""
    path = OUTPUT / tool / f"{name}.tflite"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        script = Path(__file__).with_name(f"peer_{tool.replace('-', '_')}.py")
        done = subprocess.run(
            [environment(tool), str(script), name, str(path)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            print(f"{name}: {tool} fails: {done.stderr.strip().splitlines()[-1:]}")
            return None
    return path


def environment(tool: str) -> Path:
    """The environment's interpreter; installed at the first use."""
    folder = ROOT / f".venv-{tool}"
    python, stamp = folder / "bin" / "python", folder / "complete"
    if not stamp.exists():
        print(f"installing {tool} into {folder.name} (once; minutes)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        for packages in ENVIRONMENTS[tool]:
            subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        stamp.touch()
    return python


if __name__ == "__main__":
    sys.exit(main())
