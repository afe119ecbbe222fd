#!/usr/bin/env python3
"""Speed of recurrent layers: the form that Ferryman chooses, the others, and eager PyTorch.

    bench/recurrent.py [name …]

One thread, thread CPU time, all forms interleaved in one run; ratios are medians over all rounds of
the quotient to the unrolled form and to eager PyTorch, and below 1 is faster. "convert" is the time
of the C++ core.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests" / "python"), str(ROOT / "bench")]

from recurrent_modules import Layer  # noqa: E402

import ferryman  # noqa: E402
import latency  # noqa: E402

NETS = {
    "bilstm": Layer("LSTM", 100, 1, 64, 128, layers=2, bidirectional=True, batch_first=True),
    "lstm": Layer("LSTM", 100, 1, 64, 128, batch_first=True),
    "gru": Layer("GRU", 100, 1, 64, 128, batch_first=True),
    "gru_12": Layer("GRU", 12, 1, 32, 128, batch_first=True),
    "gru_24": Layer("GRU", 24, 1, 32, 128, batch_first=True),
    "gru_48": Layer("GRU", 48, 1, 32, 128, batch_first=True),
    "gru_48_small": Layer("GRU", 48, 1, 32, 64, batch_first=True),
    "gru_48_wide": Layer("GRU", 48, 1, 64, 256, batch_first=True),
    "gru_500": Layer("GRU", 500, 1, 64, 128, batch_first=True),
    "bigru": Layer("GRU", 100, 1, 64, 128, bidirectional=True, batch_first=True),
    "bigru_2": Layer("GRU", 100, 1, 64, 128, layers=2, bidirectional=True, batch_first=True),
    "lstm_500": Layer("LSTM", 500, 1, 64, 64, batch_first=True),
    "lstm_batch_8": Layer("LSTM", 100, 8, 64, 128, batch_first=True),
    "rnn": Layer("tanh", 100, 1, 64, 128, batch_first=True),
    "tiny": Layer("LSTM", 200, 1, 8, 16, batch_first=True),
}
# name, form, what it is compared with, at most
TARGETS = {("bilstm", "auto", "unrolled"): 0.45, ("bilstm", "auto", "eager"): 1.0,
           ("gru", "auto", "unrolled"): 0.40}  # fmt: skip
FORMS = ("unrolled", "loop", "auto")
PASSES, ROUNDS = 3, 10


class Eager:
    """PyTorch, timed as an interpreter is."""

    def __init__(self, module, args):
        self._module, self._args = module, args

    def invoke(self):
        with torch.inference_mode():
            self._module(*self._args)


def convert(layer: Layer, form: str, path: Path) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ferryman.convert(
            layer.module(), layer.sample(), recurrent=form, verify=False, progress=False
        )
    model.save(path)
    own = ("capture", "decompose", "hand over")
    return sum(time for stage, time in model.report.seconds.items() if stage not in own)


def measure(name: str, folder: Path) -> dict[tuple[str, str, str], float]:
    layer = NETS[name]
    paths = {form: folder / f"{name}_{form}.tflite" for form in FORMS}
    core = {form: convert(layer, form, path) for form, path in paths.items()}
    seconds = {form: [] for form in (*FORMS, "eager")}
    for _ in range(PASSES):
        runners = {form: latency.opened(path) for form, path in paths.items()}
        runners["eager"] = Eager(layer.module(), layer.sample())
        for form, times in latency.interleave(runners, ROUNDS).items():
            seconds[form] += times
    ratios = {
        (name, form, other): median(a / b for a, b in zip(seconds[form], seconds[other]))
        for form in FORMS
        for other in ("unrolled", "eager")
    }
    print(f"{name}: {layer}; eager {1e3 * min(seconds['eager']):.3f} ms")
    for form in FORMS:
        print(
            f"  {form:9} {1e3 * min(seconds[form]):7.3f} ms"
            f"   {ratios[name, form, 'unrolled']:.2f} of unrolled"
            f"   {ratios[name, form, 'eager']:.2f} of eager"
            f"   {paths[form].stat().st_size / 1e3:.0f} kB, convert {core[form]:.3f} s",
            flush=True,
        )
    return ratios


def main(names: list[str]) -> int:
    torch.set_num_threads(1)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names or NETS:
            found |= measure(name, Path(folder))
    missed = [
        f"{name}: {form} is {found[name, form, other]:.2f} of {other}, target {target}"
        for (name, form, other), target in TARGETS.items()
        if (name, form, other) in found and found[name, form, other] > target
    ]
    print(*missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
