#!/usr/bin/env python3
"""Speed of Ferryman's files against others' files for the same models.

    bench/peers.py [--ops] [--reuse] [name …]

Ratios are medians over all rounds, and in brackets the least and the greatest median of a pass.
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
import networks  # noqa: E402

OUTPUT = ROOT / "out" / "bench"
# torch before what depends on it, so that it decides the version.
ENVIRONMENTS = {
    "litert-torch": (
        ["torch==2.13.0"],
        ["--no-deps", "torchvision==0.28.*", "transformers", "timm", "ultralytics"],
        ["pillow", "litert-torch", "huggingface_hub", "safetensors", "tokenizers", "regex", "typer",
         "opencv-python-headless", "psutil", "requests", "matplotlib", "pyyaml"],
    ),
    "keras": (["tensorflow"],),
}
# The README's targets: ratio to litert-torch's file at most.
TARGETS = {"convnext_tiny": 0.75, "dcgan": 0.6, "unet": 0.95, "densenet121": 0.96,
           "shufflenet_v2_x1_0": 0.96, "bench:vit_b_16": 0.93, "bench:encoder_first_token": 0.8,
           "bench:swin_t": 0.97, "bench:encoder": 0.99, "bench:bert": 0.99, "bench:gpt2": 0.99,
           "bench:llama": 0.99, "bench:t5_encoder": 0.99, "bench:whisper_encoder": 0.99,
           "bench:lstm": 0.45, "bench:gru": 0.4, "bench:bigru": 0.4}  # fmt: skip
TARGET, TARGET_MEAN, TARGET_KERAS = 1.03, 0.93, 1.01
KERAS_NAMES = {"mobilenet_v2": "MobileNetV2", "resnet50": "ResNet50", "densenet121": "DenseNet121",
               "efficientnet_b0": "EfficientNetB0"}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(networks.NAMES), metavar="name")
    parser.add_argument("--ops", action="store_true", help="list the ops of each file, too")
    parser.add_argument("--reuse", action="store_true", help="time the files of the last run")
    parser.add_argument("--passes", type=int, default=latency.PASSES)
    options = parser.parse_args()
    missed = []
    ratios = []
    for name in options.names:
        files = {"ferryman": own_file(name, reuse=options.reuse)}
        files["litert-torch"] = peer_file("litert-torch", name)
        if name in KERAS_NAMES:
            files["keras"] = peer_file("keras", KERAS_NAMES[name])
        files = {tool: path for tool, path in files.items() if path is not None}
        if "ferryman" not in files:
            missed.append(name)
            continue
        times = latency.measure(files, passes=options.passes)
        missed += report(name, times)
        if options.ops:
            report_ops(files)
        if "litert-torch" in times:
            ratios.append(latency.ratio(times["ferryman"], times["litert-torch"]).value)
    if ratios:
        mean = exp(sum(map(log, ratios)) / len(ratios))
        print(f"geometric mean over {len(ratios)} models: {mean:.3f} (at most {TARGET_MEAN})")
        missed += ["the mean"] if mean > TARGET_MEAN else []
    print("missed: " + (", ".join(missed) or "nothing"))
    return 1 if missed else 0


def report(name: str, times: dict[str, latency.Times]) -> list[str]:
    """Prints a line; returns the name if a target is missed.

    A target is missed when every pass says so: noise moves single passes by some per cent.
    """
    own = times["ferryman"]
    parts, missed = [f"{name}: {own.milliseconds:.2f} ms"], False
    for tool, limit in (("litert-torch", TARGETS.get(name, TARGET)), ("keras", TARGET_KERAS)):
        if tool in times:
            ratio = latency.ratio(own, times[tool])
            missed |= ratio.spread[0] > limit
            mark = " !" if ratio.value > limit else ""
            other = f"{tool} {times[tool].milliseconds:.2f} ms"
            parts.append(f"{other}, ratio {ratio}, at most {limit}{mark}")
    print("; ".join(parts), flush=True)
    return [name] if missed else []


def report_ops(files: dict[str, Path]) -> None:
    for tool, path in files.items():
        look = latency.look(path)
        print(f"  {tool}: {look.ops.total()} nodes, {look.partitions} partitions")
        print("    " + listed(look.ops))
        if look.outside:
            print("    outside the delegate: " + listed(look.outside), flush=True)


def listed(ops) -> str:
    return ", ".join(f"{count} {op}" for op, count in ops.most_common())


def own_file(name: str, *, reuse: bool) -> Path | None:
    path = OUTPUT / "ferryman" / f"{name.replace(':', '_')}.tflite"
    if reuse and path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        ferryman.convert(*networks.build(name), verify=False, progress=False).save(path)
    except ferryman.Error as error:
        print(f"{name}: {error}")
        return None
    return path


def peer_file(tool: str, name: str) -> Path | None:
    """The peer's file, made once."""
    path = OUTPUT / tool / f"{name.replace(':', '_')}.tflite"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        script = Path(__file__).with_name(f"peer_{tool.replace('-', '_')}.py")
        done = subprocess.run(
            [environment(tool), str(script), name, str(path)],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'bench'}"},
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
