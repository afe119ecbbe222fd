"""A converted model: the file, the way to run it, and the report.

y = model(x)                     # on LiteRT; torch in, torch out; numpy in, numpy out
model.save("model.tflite")
model.inputs                     # (TensorPort(name="x", shape=(1, 3, 8, 8), …),)
with ferryman.convert(net, (x,)) as model: …        # or model.close(), or neither
"""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from . import keras_weights, nested_calls
from .arguments import Arguments
from .eager import to_numpy
from .errors import Error, InputError
from .folder import Folder
from .keras_runtime import guests_of, load_model, ports_of
from .keras_source import write_source
from .native_contract import NativeReport, Placement, Port, at_sizes
from .ports import tensor_port
from .report import Report
from .results import Results
from .runners import SUFFIXES, Runner, runner_of_users
from .runtime import pair_axis, part_of
from .sizes import Sizes
from .weights import Weights, untraced


class Rewriting(Protocol):
    """Writes the file anew, with what the weights are now."""

    tensors: dict[str, torch.Tensor]

    def again(self) -> Rewriting: ...

    def __call__(self) -> tuple[Path, NativeReport]: ...


class Model:
    """Takes what forward takes: positions, keywords, defaults; what is no tensor may be left out,
    and has the value of the conversion. Inputs and outputs keep the structure of the module's, with
    tensors in the file's own axis order: the same as in PyTorch unless `input_layout` or
    `output_layout` asked for another.

    Along axes that are free any size in range will do. Another one than in the call before makes
    the interpreter plan anew.

    Several threads may call one model; they take turns.
    """

    def __init__(
        self,
        folder: Folder,
        path: Path,
        report: Report,
        arguments: Arguments,
        results: Results,
        sizes: Sizes,
        rewriting: Rewriting,
    ):
        self._made_of = (folder, path, report, arguments, results, sizes)
        self._folder = folder
        self._arguments, self._results = arguments, results
        self._lock = threading.RLock()  # an interpreter runs one call at a time
        self._is_closed = self._is_outdated = False
        self._sizes, self._rewriting = sizes, rewriting
        self.report = report
        self._take(path, report.native)
        ports = (report.native.inputs, report.native.outputs)
        free = tuple(sizes.sizes.values())
        self.inputs = tuple(
            tensor_port(port, arguments.outlines[port.index], free) for port in ports[0]
        )
        self.outputs = tuple(
            tensor_port(port, results.outlines.get(port.index), free) for port in ports[1]
        )

    def again(self) -> Model:
        """Another model of the same conversion, with the weights that it began with."""
        return Model(*self._made_of, self._rewriting.again())

    def _take(self, path: Path, native: NativeReport) -> None:
        """This file, of which nothing is known yet."""
        self._path, self._native = path, native
        self._input_ports = {port.placement.tensor: port for port in native.inputs}
        self._output_ports = list(native.outputs)
        self._tensors = native.tensors
        self._runner: Runner | None = None
        self._keras: Any = None

    def __call__(self, *args, **kwargs) -> Any:
        self._require_open()
        leaves = self._arguments.flatten(args, kwargs)
        if nested_calls.is_symbolic(leaves):
            return self._results.unflatten(self._symbolic(leaves))
        if nested_calls.is_traced(leaves):
            ports = (self._native.inputs, self._native.outputs)
            return self._results.unflatten(nested_calls.traced_call(self._path, *ports, leaves))
        numbers = self._sizes.bind(
            {port.index: np.shape(leaves[port.index]) for port in self._input_ports.values()}
        )
        stored = self._run(leaves, numbers)
        values = {
            port.index: _as_value(stored[port.placement.tensor], at_sizes(port.placement, numbers))
            for port in self._output_ports
        }
        if not _wants_numpy(leaves):
            values = {index: self._as_torch(index, value) for index, value in values.items()}
        return self._results.unflatten(values)

    def _symbolic(self, leaves: list[Any]) -> dict[int, Any]:
        keras_model = self.keras
        numbers = {name: number for number, name in enumerate(self._tensors)}
        inputs, _ = ports_of(keras_model, self._tensors)
        names = {
            tensor.name: self._input_ports[numbers[detail["name"]]].index
            for tensor, detail in zip(keras_model.inputs, inputs)
        }
        outputs = [port.index for port in self._output_ports]
        return nested_calls.keras_call(keras_model, names, outputs, leaves)

    def _as_torch(self, index: int, value: np.ndarray) -> torch.Tensor:
        """Of the program's type: the file's may be wider, or narrower where numbers fit."""
        outline = self._results.outlines.get(index)
        tensor = torch.from_numpy(value)
        return tensor if outline is None else tensor.to(outline.dtype)

    def _run(self, leaves: list[Any], numbers: dict[str, int]) -> dict[int, np.ndarray]:
        """The outputs by their tensors in the file. numbers: of the free sizes."""
        ports = {tensor: at_sizes(port, numbers) for tensor, port in self._input_ports.items()}
        with self._lock:
            self._require_open()
            if self._runner is None:
                self._runner = runner_of_users(self._path, self._tensors)
            runner = self._runner
            arrays = [_as_array(leaves, ports[d["index"]], d["dtype"]) for d in runner.inputs]
            return dict(zip((d["index"] for d in runner.outputs), runner.run(arrays)))

    @property
    def path(self) -> Path:
        """The file, as long as the model lives and is open; save() makes a copy that stays."""
        self._require_open()
        return self._path

    @property
    def keras(self) -> Any:
        """The live keras.Model of a conversion to Keras, the same at each call: to be trained and
        saved. What runs when this model is called is the file."""
        self._require_open()
        if self._path.suffix != SUFFIXES["keras"]:
            raise InputError(
                "the model is no Keras model", hint='convert with target="keras" to have one'
            )
        with self._lock:
            if self._keras is None:
                self._keras = load_model(self._path)
                keras_weights.know(self._keras, self._native.weights)
            return self._keras

    @property
    def weights(self) -> Weights:
        """Parameters and buffers by the keys of the module's state_dict, as arrays in PyTorch's
        shapes, to be read and assigned. The file is written anew before it is used again; the
        report stays that of the conversion."""
        self._require_not_closed()
        return Weights(self._rewriting.tensors, self._outdate)

    def _outdate(self) -> None:
        self._is_outdated = True

    @property
    def mapping(self) -> dict[str, str]:
        """Of a conversion to Keras: the path of each variable that holds parameters or buffers of
        the module, and their names in its state_dict."""
        return keras_weights.mapping_of(self.report.native.weights)

    def source(self, path: os.PathLike | str) -> list[Path]:
        """Writes a conversion to Keras as a Python module, to be read and gone on with by hand:
        `build_model()`, with a function for each kind of block, and the weights beside it, as
        `….weights.h5` (and `….constants.npz` where arrays are too long to be spelled). Returns the
        files, each complete or untouched. Where the conversion was checked, the text is: a
        VerificationError where Keras would build another model of it."""
        self._require_keras()
        is_checked = self.report.checks is not None
        return write_source(self._path, Path(path), self.report.modules, check=is_checked)

    def save(self, path: os.PathLike | str) -> None:
        """Writes the file; `path` is complete or untouched."""
        self._require_open()
        path = Path(path)
        self._require_saved()
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            shutil.copyfile(self._path, partial)
            os.replace(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise Error(f"cannot write {path}", why=error.strerror or str(error)) from error

    def _require_saved(self) -> None:
        why_not = guests_of(self._path).why_not_saved
        if why_not:
            raise Error(
                "the model cannot be saved",
                why=f"a layer that a converter has made does not say what it is made of: {why_not}",
                hint="give its class get_config and from_config, as Keras asks of layers",
            )

    def close(self) -> None:
        """Gives up the interpreter and the file; the report and the ports stay. A model that nobody
        holds any more closes itself."""
        with self._lock:
            self._is_closed = True
            self._runner = None
            self._folder.remove()

    def __enter__(self) -> Model:
        self._require_open()
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(map(str, ports)) for ports in (self.inputs, self.outputs))
        closed = ", closed" if self._is_closed else ""
        return f"<ferryman.Model {self.report.model}: {inputs} -> {outputs}{closed}>"

    def _require_keras(self) -> None:
        self._require_open()
        if self._path.suffix != SUFFIXES["keras"]:
            raise InputError(
                "the model is no Keras model", hint='convert with target="keras" to have one'
            )

    def _require_open(self) -> None:
        """With the file that the weights as they are now make."""
        with self._lock:
            if self._is_outdated and not self._is_closed:
                self._is_outdated = False
                with untraced():
                    self._take(*self._rewriting())
        self._require_not_closed()

    def _require_not_closed(self) -> None:
        if self._is_closed:
            raise Error(
                "the model is closed",
                why="close(), or the end of a with block, gave up its file and its interpreter",
                hint="call and save it before",
            )


def _wants_numpy(leaves: list[Any]) -> bool:
    is_torch = any(isinstance(leaf, torch.Tensor) for leaf in leaves)
    return not is_torch and any(isinstance(leaf, (np.ndarray, np.generic)) for leaf in leaves)


def _as_value(array: np.ndarray, placement: Placement) -> np.ndarray:
    """What the file gives, with pairs of numbers as complex ones."""
    if placement.part != "pair":
        return array
    pairs = np.moveaxis(array, pair_axis(placement, array.shape), -1)
    value = np.empty(pairs.shape[:-1], np.result_type(pairs.dtype, np.complex64))
    value.real, value.imag = pairs[..., 0], pairs[..., 1]
    return value


def _as_array(leaves: list[Any], port: Port, dtype: type) -> np.ndarray:
    value = leaves[port.index]
    array = to_numpy(value)
    shape, dtype = port.shape, np.dtype(dtype)
    if port.placement.part == "pair":
        array = np.moveaxis(part_of(array, "pair"), -1, pair_axis(port.placement, shape))
    if array.shape != shape:
        raise InputError(f"input '{port.name}' has shape {array.shape}, the file takes {shape}")
    cast = array.astype(dtype, copy=False)
    if cast.dtype != array.dtype and not np.array_equal(cast.astype(array.dtype), array):
        raise InputError(f"input '{port.name}' is {array.dtype}, the file takes {dtype}")
    return cast
