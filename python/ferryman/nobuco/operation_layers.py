"""Keras' operations as layers: Keras' .h5 files, which nobuco's scripts write, hold layers only.

    model = layers_only(model)          # computes the same, with the same layers and variables
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from .keras_here import is_symbolic, keras


@keras.saving.register_keras_serializable(package="ferryman")
class OperationLayer(keras.layers.Layer):
    """An operation with all that it is called with, but for tensors.

    operation: of keras.ops, or as Keras writes one.
    arguments: as without_tensors makes them.
    """

    def __init__(self, operation: Any, arguments: dict[str, Any], **kwargs):
        super().__init__(**kwargs)
        if isinstance(operation, dict):
            operation = keras.saving.deserialize_keras_object(operation)
        self.operation, self.arguments = operation, arguments
        self.built = True

    def call(self, *tensors) -> Any:
        args, kwargs = filled(self.arguments, tensors)
        return self.operation(*args, **kwargs)

    def compute_output_spec(self, *tensors) -> Any:
        args, kwargs = filled(self.arguments, tensors)
        return self.operation.compute_output_spec(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        saved = keras.saving.serialize_keras_object(self.operation)
        return super().get_config() | {"operation": saved, "arguments": self.arguments}


def layers_only(model: Any, output_names: Sequence[str | None] = ()) -> Any:
    """Of a functional model; models inside of it as well.

    output_names: of layers that give the outputs, one by one; None leaves what is there.
    """
    _make_way(model, set(output_names) - {None})
    outputs = keras.tree.flatten(_LayersOnly().outputs(inputs := _entries(model), model))
    names = [*output_names, *[None] * (len(outputs) - len(output_names))]
    named = [
        tensor if name is None else keras.layers.Identity(name=name)(tensor)
        for tensor, name in zip(outputs, names, strict=True)
    ]
    return keras.Model(_given(inputs), _given(named))


def _entries(model: Any) -> list[Any]:
    return [
        keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]


def _given(tensors: list[Any]) -> Any:
    """One by itself, as Keras' layers take it and nobuco's models give it."""
    return tensors[0] if len(tensors) == 1 else tensors


def _make_way(model: Any, names: set[str]) -> None:
    """Layers are called as PyTorch's modules are, and outputs as the user wants."""
    taken = {operation.name for operation in model.operations} | names
    for operation in model.operations:
        if operation.name in names:
            base, number = operation.name, 1
            while f"{base}_{number}" in taken:
                number += 1
            operation.name = f"{base}_{number}"
            taken.add(operation.name)


class _LayersOnly:
    """Knows the models inside that it has been through: one that is called twice stays one."""

    def __init__(self) -> None:
        self._models: dict[int, Any] = {}

    def outputs(self, inputs: list[Any], model: Any) -> Any:
        return model._run_through_graph(_given(inputs), operation_fn=self._as_layer)

    def _as_layer(self, operation: Any) -> Callable:
        if isinstance(operation, keras.Model):
            if id(operation) not in self._models:
                inputs = _entries(operation)
                outputs = self.outputs(inputs, operation)
                self._models[id(operation)] = keras.Model(
                    _given(inputs), outputs, name=operation.name
                )
            return self._models[id(operation)]
        if isinstance(operation, keras.layers.Layer):
            return operation
        return _operation_as_layer(operation)


def _operation_as_layer(operation: Any) -> Callable:
    def call(*args, **kwargs) -> Any:
        arguments, tensors = without_tensors(args, kwargs)
        if not tensors:
            return operation(*args, **kwargs)
        return OperationLayer(operation, arguments, name=operation.name)(*tensors)

    return call


# Arguments, as JSON has them ---------------------------------------------------------------------


def without_tensors(args: tuple, kwargs: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """What filled() takes, and the symbolic tensors that are missing in it."""
    tensors: list[Any] = []
    arguments = {
        "args": [_without(value, tensors) for value in args],
        "kwargs": {name: _without(value, tensors) for name, value in kwargs.items()},
    }
    return arguments, tensors


def _without(value: Any, tensors: list[Any]) -> Any:
    """With numbers, texts and lists as they are, and an object for anything else."""
    if is_symbolic(value):
        tensors.append(value)
        return {"tensor": len(tensors) - 1}
    if isinstance(value, (list, tuple)):
        return {"items": [_without(item, tensors) for item in value], "of": type(value).__name__}
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        return {"slice": [_without(part, tensors) for part in parts]}
    if value is ...:
        return {"ellipsis": True}
    if isinstance(value, dict):
        return {"entries": {key: _without(item, tensors) for key, item in value.items()}}
    if value is None or isinstance(value, (bool, int, float, str, torch.nn.Module)):
        return {"value": value}
    array = np.asarray(keras.ops.convert_to_numpy(value))
    return {"array": array.tolist(), "dtype": str(array.dtype)}


def filled(arguments: dict[str, Any], tensors: tuple) -> tuple[list[Any], dict[str, Any]]:
    args = [_with(value, tensors) for value in arguments["args"]]
    return args, {name: _with(value, tensors) for name, value in arguments["kwargs"].items()}


def _with(saved: dict[str, Any], tensors: tuple) -> Any:
    if "tensor" in saved:
        return tensors[saved["tensor"]]
    if "items" in saved:
        items = [_with(item, tensors) for item in saved["items"]]
        return tuple(items) if saved["of"] == "tuple" else items
    if "entries" in saved:
        return {key: _with(item, tensors) for key, item in saved["entries"].items()}
    if "slice" in saved:
        return slice(*(_with(part, tensors) for part in saved["slice"]))
    if "ellipsis" in saved:
        return ...
    if "array" in saved:
        return np.asarray(saved["array"], saved["dtype"])
    return saved["value"]

