"""Times .tflite files on LiteRT against each other: one thread, thread CPU time, interleaved in one
run, so that whatever else the machine does meets all of them.

    times = measure({"ferryman": path, "litert-torch": path})
    times["ferryman"].milliseconds                      # the quietest round
    ratio(times["ferryman"], times["litert-torch"])     # the median of the rounds' quotients
    look("model.tflite")                                # what the delegate takes of it

Two files of one round ran within moments of each other, so their quotient is steadier than either
time. Interpreters are made anew for each pass: where their memory lies matters, too.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

PASSES = 3
ROUNDS = 12  # per pass
CHUNK_SECONDS = 0.02  # short models run several times per round


@dataclasses.dataclass(frozen=True)
class Times:
    passes: tuple[tuple[float, ...], ...]  # seconds: a pass's rounds, each the median of its runs

    @property
    def milliseconds(self) -> float:
        return 1e3 * min(min(rounds) for rounds in self.passes)


@dataclasses.dataclass(frozen=True)
class Ratio:
    value: float
    spread: tuple[float, float]  # the least and the greatest median of a pass

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.spread[0]:.3f} to {self.spread[1]:.3f})"


def ratio(own: Times, other: Times) -> Ratio:
    quotients = [
        [a / b for a, b in zip(*rounds, strict=True)]
        for rounds in zip(own.passes, other.passes, strict=True)
    ]
    medians = [median(each) for each in quotients]
    together = median(quotient for each in quotients for quotient in each)
    return Ratio(together, (min(medians), max(medians)))


def measure(files: dict[str, Path], *, passes: int = PASSES, rounds: int = ROUNDS):
    measured = [_measure_pass(files, rounds) for _ in range(passes)]
    return {name: Times(tuple(tuple(each[name]) for each in measured)) for name in files}


def _measure_pass(files: dict[str, Path], rounds: int) -> dict[str, list[float]]:
    return interleave({name: opened(path) for name, path in files.items()}, rounds)


def interleave(runners: dict[str, Any], rounds: int) -> dict[str, list[float]]:
    """Seconds of each runner in each round, each the median of a few runs. A runner is what can
    `invoke()`."""
    runs = {name: _runs_per_round(runner) for name, runner in runners.items()}
    seconds = {name: [] for name in runners}
    names = list(runners)
    for _ in range(rounds):
        for name in names:
            times = [_time(runners[name]) for _ in range(runs[name])]
            seconds[name].append(median(times))
        names = names[1:] + names[:1]  # nobody always follows the same neighbour
    return seconds


def opened(path: Path, shapes: Sequence[Sequence[int]] | None = None) -> Interpreter:
    """An interpreter with values in its inputs; of the shapes given where those of the file are
    free."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    if shapes is not None:
        resize(interpreter, shapes)
    interpreter.allocate_tensors()
    fill(interpreter)
    return interpreter


def resize(interpreter: Interpreter, shapes: Sequence[Sequence[int]]) -> None:
    for detail, shape in zip(interpreter.get_input_details(), shapes, strict=True):
        interpreter.resize_tensor_input(detail["index"], [int(n) for n in shape], strict=True)


def fill(interpreter: Interpreter) -> None:
    random = np.random.default_rng(0)
    for detail in interpreter.get_input_details():
        values = random.standard_normal(detail["shape"])
        if np.issubdtype(detail["dtype"], np.integer):
            values = random.integers(0, 100, detail["shape"])  # words of a vocabulary
        values = np.asarray(values).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], values)


def _runs_per_round(runner) -> int:
    runner.invoke()  # the first run packs weights
    return int(np.clip(CHUNK_SECONDS / _time(runner), 1, 100))


def _time(runner) -> float:
    # With one thread the kernels run in the calling one.
    start = time.thread_time()
    runner.invoke()
    return time.thread_time() - start


@dataclasses.dataclass(frozen=True)
class Look:
    """The ops of a file's main graph, and what of it stays out of the delegate's hands."""

    ops: Counter[str]
    partitions: int
    outside: Counter[str]


def look(path: Path) -> Look:
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    nodes = interpreter._get_ops_details()
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    nodes = [node for node in nodes if node["op_name"] != "DELEGATE"]
    producers = {int(value): at for at, node in enumerate(nodes) for value in node["outputs"]}
    outside = set(range(len(nodes)))
    for delegate in delegates:
        outside -= _nodes_of(delegate, nodes, producers)
    return Look(
        Counter(node["op_name"] for node in nodes),
        len(delegates),
        Counter(nodes[at]["op_name"] for at in outside),
    )


def _nodes_of(delegate, nodes, producers) -> set[int]:
    """The nodes between a delegate's inputs and its outputs."""
    seen = {int(value) for value in delegate["inputs"]}
    wanted = [int(value) for value in delegate["outputs"]]
    found = set()
    while wanted:
        value = wanted.pop()
        if value in seen or value not in producers:
            continue
        seen.add(value)
        found.add(producers[value])
        wanted += [int(each) for each in nodes[producers[value]]["inputs"]]
    return found
