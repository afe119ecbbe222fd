"""Functions that call TensorFlow on Keras' symbolic tensors, which Keras 3 refuses, as layers.

    called(lambda x: tf.nn.relu(x), (x,), {})
"""

from __future__ import annotations

import base64
import inspect
import marshal
import sys
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .keras_2 import give_manners
from .keras_here import is_symbolic, keras
from .operation_layers import filled, without_tensors


def called(operation: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """What a layer, a model or a function gives for symbolic tensors."""
    if isinstance(operation, keras.Model) and len(args) > 1 and not kwargs:
        return operation(list(args))
    if isinstance(operation, keras.layers.Layer):
        return operation(*args, **kwargs)
    if _needs_values(operation, args, kwargs):
        arguments, tensors = without_tensors(args, kwargs)
        return FunctionLayer(operation, arguments)(*tensors)
    return operation(*args, **kwargs)


def _needs_values(operation: Callable, args: tuple, kwargs: dict[str, Any]) -> bool:
    """Whether it does something with symbolic tensors that only tensors with values can."""
    if not any(map(is_symbolic, pytree.tree_leaves((args, kwargs)))):
        return False
    try:
        operation(*args, **kwargs)
    except Exception as error:
        return _is_refusal(error)
    return False


def _is_refusal(error: BaseException) -> bool:
    """TensorFlow's of a KerasTensor, and Keras' own, in their words."""
    text = str(error)
    return "KerasTensor" in text or "keras_tensor" in text


@keras.saving.register_keras_serializable(package="ferryman")
class FunctionLayer(keras.layers.Layer):
    """A function of the user's as a layer. The layers that it names are its parts.

    arguments: what it is called with, but for tensors, as without_tensors makes them. Modules of
        PyTorch among them, the instance of a method, are None in a file.
    """

    def __init__(self, function: Callable, arguments: dict[str, Any], **kwargs):
        super().__init__(**kwargs)
        self.function, self.arguments = function, arguments
        self.parts = layers_of(function)
        for layer in self.parts:
            give_manners(layer)

    def call(self, *tensors) -> Any:
        args, kwargs = filled(self.arguments, tensors)
        return self.function(*args, **kwargs)

    def reset_states(self) -> None:
        reset = getattr(self.function, "reset_states", None)
        if reset is not None:
            reset()

    def get_config(self) -> dict[str, Any]:
        own = {"function": _dumped(self.function), "arguments": _without_modules(self.arguments)}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FunctionLayer:
        config = dict(config)
        return cls(_loaded(config.pop("function")), **config)


def layers_of(function: Any) -> list[Any]:
    """Those that a function names."""
    return [value for value in _values_of(function) if _is_layer(value)]


def _is_layer(value: Any) -> bool:
    return isinstance(value, keras.layers.Layer)


def _values_of(function: Callable) -> list[Any]:
    try:
        found = inspect.getclosurevars(function)
    except TypeError:
        return []
    return [*found.nonlocals.values(), *found.globals.values()]


# As a configuration ------------------------------------------------------------------------------


def _without_modules(arguments: Any) -> Any:
    if isinstance(arguments, dict):
        return {name: _without_modules(value) for name, value in arguments.items()}
    if isinstance(arguments, list):
        return [_without_modules(value) for value in arguments]
    return None if isinstance(arguments, torch.nn.Module) else arguments


def _dumped(function: Callable) -> dict[str, Any]:
    if not isinstance(function, FunctionType):
        raise TypeError(f"{function!r} is no function in Python, which a file could keep")
    return {
        "code": base64.b64encode(marshal.dumps(function.__code__)).decode(),
        "python": list(sys.version_info[:2]),
        "name": function.__name__,
        "defaults": [_dumped_value(v) for v in function.__defaults__ or ()],
        "closure": [_dumped_value(cell.cell_contents) for cell in function.__closure__ or ()],
        "names": {
            name: _dumped_value(function.__globals__[name])
            for name in _names_of(function.__code__)
            if name in function.__globals__
        },
    }


def _names_of(code: CodeType) -> list[str]:
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    return [*code.co_names, *(name for part in inner for name in _names_of(part))]


def _dumped_value(value: Any) -> Any:
    if isinstance(value, ModuleType):
        return {"import": value.__name__}
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"value": value}
    if isinstance(value, (list, tuple)):
        return {"items": [_dumped_value(v) for v in value], "of": type(value).__name__}
    if isinstance(value, FunctionType) and value.__module__ not in sys.builtin_module_names:
        home = sys.modules.get(value.__module__)
        if getattr(home, value.__name__, None) is value and value.__module__ != "__main__":
            return {"import": value.__module__, "name": value.__name__}
        return {"function": _dumped(value)}
    if _is_layer(value):
        return {"keras": keras.saving.serialize_keras_object(value)}
    raise TypeError(f"a {type(value).__name__} that the function uses is nothing a file could keep")


def _loaded(saved: dict[str, Any]) -> Callable:
    if saved["python"] != list(sys.version_info[:2]):
        version = ".".join(map(str, saved["python"]))
        raise ValueError(f"the code of '{saved['name']}' was saved by Python {version}")
    names = {name: _loaded_value(value) for name, value in saved["names"].items()}
    names["__builtins__"] = __builtins__
    cells = tuple(_cell(_loaded_value(value)) for value in saved["closure"])
    defaults = tuple(_loaded_value(value) for value in saved["defaults"])
    code = marshal.loads(base64.b64decode(saved["code"]))
    return FunctionType(code, names, saved["name"], defaults, cells)


def _cell(value: Any) -> Any:
    return (lambda: value).__closure__[0]  # type: ignore[index]


def _loaded_value(saved: dict[str, Any]) -> Any:
    if "import" in saved:
        module = __import__(saved["import"], fromlist=["_"])
        return getattr(module, saved["name"]) if "name" in saved else module
    if "items" in saved:
        items = [_loaded_value(item) for item in saved["items"]]
        return tuple(items) if saved["of"] == "tuple" else items
    if "function" in saved:
        return _loaded(saved["function"])
    if "keras" in saved:
        return keras.saving.deserialize_keras_object(saved["keras"])
    return saved["value"]
