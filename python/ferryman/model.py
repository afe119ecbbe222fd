"""A converted model: the file, the way to run it, and the report.

y = model(x)                     # on LiteRT; torch in, torch out; numpy in, numpy out
model.save("model.tflite")
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .eager import to_numpy
from .errors import Error, InputError
from .native_contract import Placement, Port
from .report import Report
from .runtime import Kernels, Runner, pair_axis, part_of
from .structure import Structure


class Model:
    """Inputs and outputs keep the structure of the module's, with tensors in the file's own axis
    order: the same as in PyTorch unless `input_layout` or `output_layout` asked for another."""

    def __init__(
        self, folder: tempfile.TemporaryDirectory, path: Path, report: Report, structure: Structure
    ):
        self._folder = folder  # holds the file as long as the model lives
        self._path = path
        self._structure = structure
        self._runner: Runner | None = None
        self.report = report

    def __call__(self, *args, **kwargs) -> Any:
        leaves = self._structure.flatten(args, kwargs)
        if self._runner is None:
            self._runner = Runner(self._path, Kernels.DELEGATE)
        outputs = self._runner.run(self._arrays(leaves))
        results = dict(zip((d["index"] for d in self._runner.outputs), outputs))
        wants_torch = any(isinstance(leaf, torch.Tensor) for leaf in leaves)
        arrays = {
            port.index: _as_value(results[port.placement.tensor], port.placement)
            for port in self.report.native.outputs
        }
        if wants_torch:
            dtypes = self._structure.dtypes
            arrays = {
                index: torch.from_numpy(array).to(dtypes.get(index))
                for index, array in arrays.items()
            }
        for index, number in self._structure.numbers.items():
            arrays[index] = number(arrays[index])
        return self._structure.unflatten_output(arrays)

    def _arrays(self, leaves: list[Any]) -> list[np.ndarray]:
        """The inputs in the file's order, checked against what the file says."""
        ports = {port.placement.tensor: port for port in self.report.native.inputs}
        return [_as_array(leaves, ports[d["index"]], d) for d in self._runner.inputs]

    @property
    def path(self) -> Path:
        """The file, as long as the model lives; save() makes a copy that stays."""
        return self._path

    def save(self, path: os.PathLike | str) -> None:
        """Writes the file; `path` is complete or untouched."""
        path = Path(path)
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            shutil.copyfile(self._path, partial)
            os.replace(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise Error(f"cannot write {path}", why=error.strerror or str(error)) from error


def _as_value(array: np.ndarray, placement: Placement) -> np.ndarray:
    """What the file gives, with pairs of numbers as complex ones."""
    if placement.part != "pair":
        return array
    pairs = np.moveaxis(array, pair_axis(placement, array.shape), -1)
    value = np.empty(pairs.shape[:-1], np.result_type(pairs.dtype, np.complex64))
    value.real, value.imag = pairs[..., 0], pairs[..., 1]
    return value


def _as_array(leaves: list[Any], port: Port, detail: dict[str, Any]) -> np.ndarray:
    value = leaves[port.index]
    array = to_numpy(value)
    shape, dtype = tuple(detail["shape"]), np.dtype(detail["dtype"])
    if port.placement.part == "pair":
        array = np.moveaxis(part_of(array, "pair"), -1, pair_axis(port.placement, shape))
    if array.shape != shape:
        raise InputError(f"input '{port.name}' has shape {array.shape}, the file takes {shape}")
    cast = array.astype(dtype, copy=False)
    if cast.dtype != array.dtype and not np.array_equal(cast.astype(array.dtype), array):
        raise InputError(f"input '{port.name}' is {array.dtype}, the file takes {dtype}")
    return cast
