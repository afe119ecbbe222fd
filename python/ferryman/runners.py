"""What runs the file of a target.

runner = runner_of_users(path, native.tensors)     # as users run it
outputs = runner.run(inputs)                       # numpy arrays as the file has them
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from . import keras_runtime, runtime
from .runtime import Kernels

# What files of the targets are called.
SUFFIXES = {"tflite": ".tflite", "keras": ".keras"}
# Of these, models take any number of examples unless the user says otherwise.
BATCH_IS_FREE = ("keras",)


class Runner(Protocol):
    """Inputs and outputs have at least `index`, the number of the tensor, `shape` and `dtype`."""

    kernels: Kernels
    inputs: Sequence[dict[str, Any]]
    outputs: Sequence[dict[str, Any]]

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]: ...

    def tensor(self, index: int) -> np.ndarray | None: ...


def runner_of_users(path: os.PathLike | str, tensors: Sequence[str]) -> Runner:
    """tensors: of the report."""
    if _is_keras(path):
        return keras_runtime.Runner(path, tensors)
    return runtime.Runner(path, Kernels.DELEGATE)


def runners_that_check(
    path: os.PathLike | str, tensors: Sequence[str], *, keep_values: bool
) -> list[Runner]:
    """The first can show values inside."""
    if _is_keras(path):
        return [keras_runtime.Runner(path, tensors, keep_values=keep_values)]
    plain = runtime.Runner(path, Kernels.PLAIN, keep_values=keep_values)
    return [plain, runtime.Runner(path, Kernels.DELEGATE)]


def tensors_of_ports(path: os.PathLike | str) -> list[str]:
    """What a file that nothing else is known of calls its inputs and outputs; those that go by
    number have no names."""
    return keras_runtime.tensors_of_ports(path) if _is_keras(path) else []


def _is_keras(path: os.PathLike | str) -> bool:
    return Path(path).suffix == SUFFIXES["keras"]
