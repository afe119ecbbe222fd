"""Layers, operations and what goes into them, as Python spells them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .calls import Call, Value

# What a person gives by position, and what need not be said. Of pools strides default to the size.
_BY_POSITION = {
    "Activation": ("activation",),
    "Conv": ("filters", "kernel_size"),
    "Cropping": ("cropping",),
    "Dense": ("units",),
    "DepthwiseConv": ("kernel_size",),
    "Dropout": ("rate",),
    "EinsumDense": ("equation", "output_shape"),
    "Embedding": ("input_dim", "output_dim"),
    "GRU": ("units",),
    "GroupNormalization": ("groups",),
    "GroupQueryAttention": ("head_dim", "num_query_heads", "num_key_value_heads"),
    "LSTM": ("units",),
    "MultiHeadAttention": ("num_heads", "key_dim"),
    "Permute": ("dims",),
    "Reshape": ("target_shape",),
    "SimpleRNN": ("units",),
    "UpSampling": ("size",),
    "ZeroPadding": ("padding",),
}
_DEFAULTS: dict[str, Any] = {
    "axis": -1,
    "center": True,
    "data_format": "channels_last",
    "depth_multiplier": 1,
    "dilation_rate": 1,
    "dtype": "float32",
    "keepdims": False,
    "padding": "valid",
    "registered_name": None,
    "scale": True,
    "sparse": False,
    "trainable": True,
    "use_bias": True,
}
_LINEAR_DEFAULTS = {"activation": "linear", "groups": 1, "strides": 1}
# One number stands for the same one along each axis.
_PER_AXIS = ("axis", "cropping", "dilation_rate", "kernel_size", "output_padding", "padding")
_PER_AXIS += ("pool_size", "size", "strides")
_LONGEST_LINE = 99
_MAX_LITERAL_ELEMENTS = 16


# Of operations whose functions have other names than their classes.
_FUNCTIONS = {"RMSNorm": "rms_normalization"}


class Name(str):
    """A name of the program's, rather than a text in it."""


Referrer = Callable[[Value], str]


class Expressions:
    """`constants` collects arrays that are too long to be spelled, with their dtypes."""

    def __init__(self):
        self.constants: dict[str, tuple[Any, str]] = {}

    def layer(self, layer: dict[str, Any], config: dict[str, Any]) -> str:
        """The layer's construction. `config` is the layer's, with Names for parameters."""
        kind = layer["class_name"]
        family = re.sub(r"\dD(Transpose)?$", "", kind)
        config = dict(config)
        name = config.pop("name", None)
        by_position = _BY_POSITION.get(family, ())
        is_linear = "Conv" in kind or "Dense" in kind
        defaults = _DEFAULTS | (_LINEAR_DEFAULTS if is_linear else {})
        config = {
            key: _compact(value) if key in _PER_AXIS else _tuple(value)
            for key, value in config.items()
        }
        args = [self.text(config.pop(key)) for key in by_position if key in config]
        for key, value in config.items():
            if not isinstance(value, Name) and key in defaults and value == defaults[key]:
                continue
            args.append(f"{key}={self.text(value)}")
        if name is not None:
            args.append(f"name={self.text(name)}")
        return f"layers.{kind}({', '.join(args)})"

    def operation(self, call: Call, refer: Referrer, config: dict[str, Any]) -> str:
        """A function of keras.ops, or x[...], called. `config` as for layers."""
        kind = call.layer["class_name"]
        args = [self.text(arg, refer) for arg in call.args]
        if kind == "GetItem":
            return f"{args[0]}[{self.index(call.args[1], refer)}]"
        if kind == "Pad":  # the function has the widths before the values
            args[1:] = [f"constant_values={arg}" for arg in args[1:]]
        named = {key: value for key, value in config.items() if key != "name"} | call.kwargs
        args += [f"{key}={self.text(_tuple(value), refer)}" for key, value in named.items()]
        return f"{function_of(call.layer)}({', '.join(args)})"

    def call_args(self, call: Call, refer: Referrer) -> str:
        args = [self.text(arg, refer) for arg in call.args]
        args += [f"{key}={self.text(value, refer)}" for key, value in call.kwargs.items()]
        return ", ".join(args)

    def text(self, item: Any, refer: Referrer | None = None) -> str:
        if isinstance(item, Name):
            return str(item)
        if isinstance(item, Value):
            assert refer is not None
            return refer(item)
        if isinstance(item, dict):
            return self._object(item, refer)
        if isinstance(item, (list, tuple)):
            parts = ", ".join(self.text(each, refer) for each in item)
            if isinstance(item, list):
                return f"[{parts}]"
            return f"({parts},)" if len(item) == 1 else f"({parts})"
        if isinstance(item, float) and (item != item or item in (float("inf"), float("-inf"))):
            return f'float("{item}")'
        if isinstance(item, str):
            return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return repr(item)

    def index(self, item: Any, refer: Referrer) -> str:
        """What stands between the brackets: a tuple always, as Keras' tensors want it."""
        parts = item if isinstance(item, (list, tuple)) else [item]
        text = ", ".join(self._index_part(part, refer) for part in parts)
        return f"{text}," if len(parts) == 1 else text

    def _index_part(self, part: Any, refer: Referrer) -> str:
        if not isinstance(part, dict):
            return self.text(part, refer)
        kind, config = part.get("class_name"), part.get("config")
        if kind == "__ellipsis__":
            return "..."
        if kind != "__slice__":
            return self.text(part, refer)
        begin, end, step = (
            "" if config[key] is None else self.text(config[key], refer)
            for key in ("start", "stop", "step")
        )
        return f"{begin}:{end}" if step in ("", "1") else f"{begin}:{end}:{step}"

    def _object(self, item: dict[str, Any], refer: Referrer | None) -> str:
        kind, config = item.get("class_name"), item.get("config")
        if kind in ("__numpy__", "__tensor__"):
            return self._array(config["value"], config["dtype"])
        if kind == "__slice__":
            parts = (self.text(config[key], refer) for key in ("start", "stop", "step"))
            return f"slice({', '.join(parts)})"
        if kind == "__tuple__":
            return self.text(tuple(config), refer)
        if kind == "DTypePolicy":
            return self.text(config["name"])
        if kind is not None and item.get("module") == "keras.layers":
            return self.layer(item, config)
        if kind is not None and str(item.get("module", "")).startswith("keras."):
            args = ", ".join(f"{key}={self.text(value)}" for key, value in (config or {}).items())
            return f"{item['module']}.{kind}({args})"
        pairs = (f"{self.text(key)}: {self.text(each, refer)}" for key, each in item.items())
        return f"{{{', '.join(pairs)}}}"

    def _array(self, value: Any, dtype: str) -> str:
        if _num_elements(value) <= _MAX_LITERAL_ELEMENTS:
            return f'np.array({self.text(value)}, "{dtype}")'
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value, dtype
        return f'CONSTANTS["{name}"]'


def function_of(operation: dict[str, Any]) -> str:
    """As keras.ops names the function of a class: LogSoftmax, ops.log_softmax."""
    kind = operation["class_name"]
    room = "ops.image" if operation["module"].endswith(".image") else "ops"
    return f"{room}.{_FUNCTIONS.get(kind) or _snake_case(kind)}"


def _snake_case(kind: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()


def statement(target: str, expression: str, indent: str = "    ") -> list[str]:
    """An assignment, over several lines if it is long."""
    line = f"{indent}{target} = {expression}"
    if len(line) <= _LONGEST_LINE:
        return [line]
    return wrapped(line, indent)


def wrapped(line: str, indent: str) -> list[str]:
    """Broken at the arguments of the outermost brackets that hold most."""
    begin, end = _widest_brackets(line)
    if begin < 0:
        return [line]
    parts = _split_arguments(line[begin + 1 : end])
    deeper = indent + "    "
    lines = [line[: begin + 1]]
    row = ""
    for part in parts:
        if len(deeper) + len(part) + 1 > _LONGEST_LINE:
            lines += [f"{deeper}{row.rstrip()}"] if row else []
            lines += wrapped(f"{deeper}{part},", deeper)
            row = ""
            continue
        if row and len(deeper) + len(row) + len(part) + 2 > _LONGEST_LINE:
            lines.append(f"{deeper}{row.rstrip()}")
            row = ""
        row += f"{part}, "
    lines += [f"{deeper}{row.rstrip()}"] if row else []
    lines.append(f"{indent}{line[end:]}")
    return lines


def _widest_brackets(line: str) -> tuple[int, int]:
    widest, stack, quoted = (-1, -1), [], False
    for place, char in enumerate(line):
        quoted ^= char == '"'
        if quoted:
            continue
        if char in "([{":
            stack.append(place)
        elif char in ")]}":
            begin = stack.pop()
            if not stack and place - begin > widest[1] - widest[0]:
                widest = begin, place
    return widest


def _split_arguments(text: str) -> list[str]:
    parts, depth, begin, quoted = [], 0, 0, False
    for place, char in enumerate(text):
        quoted ^= char == '"'
        if quoted:
            continue
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append(text[begin:place].strip())
            begin = place + 1
    parts.append(text[begin:].strip())
    return [part for part in parts if part]


def _compact(value: Any) -> Any:
    """(3, 3) as 3, ((3, 3), (3, 3)) too; what is not the same number everywhere stays."""
    value = _tuple(value)
    inner = value
    while isinstance(inner, tuple) and inner and all(each == inner[0] for each in inner):
        inner = inner[0]
    return inner if isinstance(inner, int) and not isinstance(inner, bool) else value


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _num_elements(value: Any) -> int:
    return sum(map(_num_elements, value)) if isinstance(value, list) else 1
