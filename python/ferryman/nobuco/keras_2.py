"""What layers of Keras 2 did and those of Keras 3 do not, where nobuco's converters rely on it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .keras_here import is_symbolic, keras


@contextmanager
def weights_at_construction() -> Iterator[None]:
    """Within it, layers take `weights`, arrays that they have from when they are built."""
    original = keras.layers.Layer.__init__

    @functools.wraps(original)
    def init(self: Any, weights: Any = None, **kwargs) -> None:
        original(self, **kwargs)
        if weights is not None:
            self.build = _built_with(weights, self.build, self.set_weights)

    keras.layers.Layer.__init__ = init
    try:
        yield
    finally:
        keras.layers.Layer.__init__ = original


def _built_with(weights: Any, build: Any, set_weights: Any) -> Any:
    @functools.wraps(build)
    def build_with(*args, **kwargs) -> None:
        build(*args, **kwargs)
        set_weights(weights)

    return build_with


def give_manners(layer: Any) -> None:
    """A layer of the user's own is made again from a configuration that holds other layers, or more
    than its class takes; and it takes numbers among the tensors that it is called with."""
    kind = type(layer)
    is_layer = isinstance(layer, keras.layers.Layer) and not isinstance(layer, keras.Model)
    if not is_layer or kind.__module__.startswith(("keras.", "ferryman.")):
        return
    if "from_config" not in vars(kind):
        kind.from_config = classmethod(_from_config)
    if "__call__" not in vars(kind):
        kind.__call__ = _called_by_name(kind)


def _called_by_name(kind: type) -> Any:
    """Keras 3 takes nothing but tensors by position."""
    original = kind.__call__

    @functools.wraps(original)
    def call(self: Any, *args, **kwargs) -> Any:
        if all(map(_may_stand, args)):
            return original(self, *args, **kwargs)
        named = inspect.signature(self.call).bind(*args, **kwargs).arguments
        return original(self, **named)

    return call


def _may_stand(value: Any) -> bool:
    leaves = keras.tree.flatten(value)
    return bool(leaves) and all(is_symbolic(x) or hasattr(x, "dtype") for x in leaves)


def _from_config(cls: type, config: dict[str, Any]) -> Any:
    parts = {
        name: keras.saving.deserialize_keras_object(value) if _is_part(value) else value
        for name, value in config.items()
    }
    taken = inspect.signature(cls.__init__).parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
        names = {parameter.name for parameter in taken}
        parts = {name: value for name, value in parts.items() if name in names}
    return cls(**parts)


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and {"class_name", "config", "module"} <= set(value)
