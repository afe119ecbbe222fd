#!/usr/bin/env python3
"""How exact quantised files are: Ferryman's and litert-torch's, by the same tool and recipe.

    bench/quantised.py [--reuse] [name …]

Prints the rows of the table in docs/quantise.md: signal to noise in dB against the float file of
the same tool. Needs ai-edge-quantizer (tools/requirements.txt); the peer has an environment of its
own (peers.py).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests"), str(ROOT / "bench")]

import peers  # noqa: E402

from models import quantised  # noqa: E402

TOOLS = ("ferryman", "litert-torch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(quantised.NAMES), metavar="name")
    parser.add_argument("--reuse", action="store_true", help="quantise the files of the last run")
    options = parser.parse_args()
    columns = [f"{recipe}, {tool}" for recipe in quantised.RECIPES for tool in TOOLS]
    print("| " + " | ".join(["network", *columns]) + " |")
    print("|---" * (1 + len(columns)) + "|")
    for name in options.names:
        files = {
            "ferryman": peers.own_file(name, reuse=options.reuse),
            "litert-torch": peers.peer_file("litert-torch", name),
        }
        cells = [
            "fails" if files[tool] is None else f"{measured(name, recipe, files[tool]):.1f}"
            for recipe in quantised.RECIPES
            for tool in TOOLS
        ]
        print("| " + " | ".join([name, *cells]) + " |", flush=True)


def measured(name: str, recipe: str, file: Path) -> float:
    samples = quantised.calibration_inputs(name)
    with tempfile.TemporaryDirectory() as folder:
        made = quantised.quantise(file, recipe, samples, Path(folder) / "model.tflite")
        return quantised.signal_to_noise(file, made, quantised.other_inputs(name))


if __name__ == "__main__":
    main()
