"""Times .tflite files on LiteRT against each other: one thread, thread CPU time, interleaved in one
run, so that whatever else the machine does meets all of them.

    medians = measure({"ferryman": path, "litert-torch": path})     # milliseconds
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import numpy as np
from ai_edge_litert.interpreter import Interpreter

SECONDS_PER_GROUP = 6.0
MIN_ROUNDS = 15


def measure(files: dict[str, Path]) -> dict[str, float]:
    interpreters = {name: _open(path) for name, path in files.items()}
    for interpreter in interpreters.values():  # the first run packs weights
        interpreter.invoke()
    times = {name: [] for name in files}
    names = list(files)
    deadline = time.monotonic() + SECONDS_PER_GROUP
    while time.monotonic() < deadline or len(times[names[0]]) < MIN_ROUNDS:
        for name in names:
            times[name].append(_time(interpreters[name]))
        names = names[1:] + names[:1]  # nobody always follows the same neighbour
    return {name: 1e3 * median(values) for name, values in times.items()}


def _open(path: Path) -> Interpreter:
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    random = np.random.default_rng(0)
    for detail in interpreter.get_input_details():
        values = random.standard_normal(detail["shape"]).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], values)
    return interpreter


def _time(interpreter: Interpreter) -> float:
    # With one thread the kernels run in the calling one.
    start = time.thread_time()
    interpreter.invoke()
    return time.thread_time() - start
