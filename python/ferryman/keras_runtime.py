"""Keras, as much of it as Ferryman needs: a .keras file as something that runs.

runner = Runner(path, native.tensors)
outputs = runner.run(inputs)          # numpy arrays, as runtime.Runner gives them
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .errors import Error, VerificationError
from .runtime import Kernels


@dataclasses.dataclass(frozen=True)
class Guests:
    """What a file has of the user's own making.

    models: the functional models in it that converters have made, by their names there.
    loadable: a twin of the file with a note in the place of each of them: what their layers are
        made of need not be what Keras can make again.
    why_not_saved: why the file itself is of no use to others; empty: it is.
    """

    models: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    loadable: str = ""
    why_not_saved: str = ""


_GUESTS: dict[str, Guests] = {}


def know_guests(path: os.PathLike | str, guests: Guests) -> None:
    """As long as the file is there."""
    _GUESTS[os.fspath(path)] = guests
    for other in [known for known in _GUESTS if not os.path.exists(known)]:
        del _GUESTS[other]


def guests_of(path: os.PathLike | str) -> Guests:
    return _GUESTS.get(os.fspath(path), Guests())


def load_model(path: os.PathLike | str) -> Any:
    keras = import_keras()
    guests = guests_of(path)
    try:
        if not guests.models:
            return keras.saving.load_model(os.fspath(path))
        model = keras.saving.load_model(
            guests.loadable, custom_objects={GUEST: _guest_class(guests)}
        )
        reset_states(model)
        return model
    except (ValueError, TypeError, RuntimeError, NotImplementedError, KeyError) as error:
        raise VerificationError(
            f"Keras {keras.__version__} on {keras.backend.backend()} does not load the file",
            why=str(error).strip(),
        ) from error


GUEST = "ferryman>Guest"


def _guest_class(guests: Guests) -> type:
    class Guest:
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return renewed(guests.models[config["name"]], config["name"])

        def get_config(self) -> dict[str, Any]:  # Keras asks classes for one
            return {}

    return Guest


def renewed(model: Any, name: str) -> Any:
    """Another functional model of the same layers, which no other calls."""
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    outputs = model.outputs[0] if len(model.outputs) == 1 else model.outputs
    return import_keras().Model(inputs, outputs, name=name)


def reset_states(model: Any) -> None:
    """Of layers that keep something from one call to the next, and know how to begin anew."""
    for layer in model._flatten_layers():
        reset = getattr(layer, "reset_states", None) or getattr(layer, "reset_state", None)
        if reset is not None and not isinstance(layer, import_keras().Model):
            reset()


@contextlib.contextmanager
def _weights_kept(models: Sequence[Any]) -> Iterator[None]:
    """Of models whose layers a live model shares with what runs the file: the live one's own."""
    kept = [(model, model.get_weights()) for model in models]
    try:
        yield
    finally:
        for model, weights in kept:
            model.set_weights(weights)


class Runner:
    """One file, ready to run with any size along its free axes. `keep_values` keeps every tensor
    readable after a run.

    tensors: what the file calls them, by number: "conv1:0:0", the name of a layer or operation, the
        number of its call, and that of the output.
    """

    kernels = Kernels.KERAS

    def __init__(
        self, path: os.PathLike | str, tensors: Sequence[str], *, keep_values: bool = False
    ):
        self._keras = import_keras()
        shared = list(guests_of(path).models.values())
        with _weights_kept(shared):  # a live model may have been trained by now
            model = load_model(path)
            self._of_file = [(each, each.get_weights()) for each in shared]
        numbers = _numbers_of(tensors)
        self.inputs, self.outputs = ports_of(model, tensors)
        watched = {detail["index"]: t for detail, t in zip(self.outputs, model.outputs)}
        # Their layers are named by themselves, perhaps as others of the file.
        guests = frozenset(guests_of(path).models)
        self._view = _View(model, numbers if keep_values else {}, watched, guests)
        self._values: dict[int, np.ndarray] = {}

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        ops = self._keras.ops
        try:
            with torch.no_grad(), _weights_kept([each for each, _ in self._of_file]):
                for each, weights in self._of_file:
                    each.set_weights(weights)
                given = [
                    ops.convert_to_tensor(np.asarray(array), dtype=detail["dtype"])
                    for detail, array in zip(self.inputs, inputs, strict=True)
                ]
                values = self._view.run(given)
                self._values = {
                    number: _to_numpy(self._keras, value) for number, value in values.items()
                }
        except Exception as error:  # whatever the backend's own errors are
            backend = self._keras.backend.backend()
            raise VerificationError(
                f"Keras does not run the file on {backend}",
                why=f"{type(error).__name__}: {str(error).strip()}",
            ) from error
        return [self._values[detail["index"]] for detail in self.outputs]

    def tensor(self, index: int) -> np.ndarray | None:
        return self._values.get(index)


def _numbers_of(tensors: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(tensors) if name}


def ports_of(model: Any, tensors: Sequence[str]) -> tuple[list[dict], list[dict]]:
    """The inputs and outputs of a live model, as Runner has them."""
    numbers = _numbers_of(tensors)
    return [_detail(t, numbers) for t in model.inputs], [_detail(t, numbers) for t in model.outputs]


def tensors_of_ports(path: os.PathLike | str) -> list[str]:
    """The names of a file's inputs and outputs, each once."""
    model = load_model(path)
    return list(dict.fromkeys(map(_name, (*model.inputs, *model.outputs))))


def _to_numpy(keras: Any, tensor: Any) -> np.ndarray:
    """torch reads no bfloat16 of numpy's, and TensorFlow writes none."""
    if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":
        tensor = keras.ops.cast(tensor, "float32")
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _name(tensor: Any) -> str:
    producer, call, output = tensor._keras_history
    return f"{producer.name}:{call}:{output}"


def _detail(tensor: Any, numbers: dict[str, int]) -> dict[str, Any]:
    name = _name(tensor)
    return {
        "index": numbers[name],
        "name": name,
        "shape": tuple(tensor.shape),
        "dtype": _numpy_dtype(tensor.dtype),
    }


def _numpy_dtype(name: str) -> Any:
    return np.float32 if name == "bfloat16" else np.dtype(name)


class _View:
    """What a model computes, by number, and the models inside of it."""

    def __init__(
        self,
        model: Any,
        numbers: dict[str, int],
        watched: dict[int, Any],
        guests: frozenset[str],
    ):
        keras = import_keras()
        watched = _tensors(model, numbers) | watched
        self._numbers = list(watched)
        self._inside = []  # models, and where what goes into them is among what is computed
        computed = list(watched.values())
        for operation in model.operations if numbers else ():
            if not isinstance(operation, keras.Model) or operation.name in guests:
                continue
            (call,) = operation._inbound_nodes
            given = call.arguments.keras_tensors
            place = slice(len(computed), len(computed) + len(given))
            self._inside.append((_View(operation, numbers, {}, guests), place))
            computed += given
        # Of a model inside, what it gives may be all that it computes: the one around names that.
        self._function = keras.Function(model.inputs, computed) if computed else None

    def run(self, inputs: list[Any]) -> dict[int, Any]:
        computed = [] if self._function is None else self._function(inputs)
        values = {}
        for view, place in self._inside:
            values |= view.run(computed[place])
        return values | dict(zip(self._numbers, computed))


def _tensors(model: Any, numbers: dict[str, int]) -> dict[int, Any]:
    found = {}
    for operation in model.operations:
        for call, node in enumerate(operation._inbound_nodes):
            for output, tensor in enumerate(node.output_tensors):
                number = numbers.get(f"{operation.name}:{call}:{output}")
                if number is not None:
                    found[number] = tensor
    return found


def import_keras() -> Any:
    """Where nobody chose a backend and TensorFlow, the default, is not there, PyTorch is."""
    chosen = os.environ.get("KERAS_BACKEND") or _configured_backend()
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    if "keras" not in sys.modules and chosen == "tensorflow" and not has_tensorflow:
        os.environ["KERAS_BACKEND"] = "torch"
    try:
        import keras
    except ImportError as error:
        raise Error(
            "running a .keras file takes the package keras",
            why=str(error),
            hint="pip install keras, or convert with verify=False",
        ) from error
    return keras


def _configured_backend() -> str:
    """Keras writes that file with its default when it is first imported."""
    home = os.environ.get("KERAS_HOME")
    file = (Path(home) if home else Path.home() / ".keras") / "keras.json"
    try:
        return json.loads(file.read_text())["backend"]
    except (OSError, ValueError, KeyError):
        return "tensorflow"
