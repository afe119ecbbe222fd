"""The leaves of nested values: tuples, lists, dicts and what is registered with torch's pytrees.

    leaves_like(spec, examples, value, "x")    # in the order of the example; InputError if unlike
    names_of_leaves(spec, "x")                 # ["x['a'][0]", "x['b']"]

A leaf of the example that is no tensor has one value.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from .errors import InputError

_DICTS = (dict, OrderedDict, defaultdict)
_NUMBERS = (bool, int, float, complex)


def leaves_like(spec: pytree.TreeSpec, examples: Sequence[Any], value: Any, path: str) -> list[Any]:
    """The leaves of `value`, which has to have the structure that `spec` says."""
    if spec.is_leaf():
        return [_leaf(examples[0], value, path)]
    leaves: list[Any] = []
    for step, child, item in zip(_steps(spec), spec.children(), _children(spec, value, path)):
        start = len(leaves)
        leaves += leaves_like(child, examples[start : start + child.num_leaves], item, path + step)
    return leaves


def names_of_leaves(spec: pytree.TreeSpec, path: str) -> list[str]:
    if spec.is_leaf():
        return [path]
    steps = zip(_steps(spec), spec.children())
    return [name for step, child in steps for name in names_of_leaves(child, path + step)]


def is_tensor(value: Any) -> bool:
    """Whether the file takes it; anything but a constant of Python."""
    return not (value is None or isinstance(value, (str, *_NUMBERS)))


def is_of_keras(value: Any) -> bool:
    """Whether it is a symbolic tensor of Keras, which need not be imported."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.KerasTensor)


def outline(value: Any) -> Any:
    """A tensor's shape and type, without what else tracing has hung on it."""
    if not isinstance(value, torch.Tensor) or any(type(size) is not int for size in value.shape):
        return value
    return torch.empty(value.shape, dtype=value.dtype, device="meta")


def describe(value: Any) -> str:
    """ "a tensor float32 [2, 3]", "a list of 2", "3.0"."""
    if isinstance(value, torch.Tensor):
        return f"a tensor {str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"an array {value.dtype} {list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, _DICTS):
        return f"a dict with {_listed(value)}"
    if is_tensor(value) and not isinstance(value, np.generic):
        return f"an object of type {type(value).__qualname__}"
    return repr(value)


def other_value(path: str, value: Any, frozen: Any) -> InputError:
    return InputError(
        f"the argument '{path}' is {describe(value)}, and the model was converted with "
        f"{describe(frozen)}",
        why="what is no tensor is a part of the converted model, with its value at the conversion",
        hint="convert with a tensor for it"
        if isinstance(value, (torch.Tensor, np.ndarray))
        else "leave it out, or convert once for each value",
    )


def keys_of(spec: pytree.TreeSpec) -> list[Any]:
    """Of a dict, in the order of its children."""
    return spec.context[1] if spec.type is defaultdict else spec.context


def _leaf(example: Any, value: Any, path: str) -> Any:
    if not is_tensor(example):
        plain = value.item() if isinstance(value, np.generic) else value
        # The text tells 3 from 3.0 and True, -0.0 from 0.0, and is the same for NaN.
        if is_tensor(plain) or repr(plain) != repr(example):
            raise other_value(path, value, example)
        return example
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic, *_NUMBERS)):
        return value
    if is_of_keras(value):
        return value
    if isinstance(example, torch.Tensor):
        raise InputError(
            f"the argument '{path}' is {describe(value)}, the model takes {describe(example)}"
        )
    return value


def _children(spec: pytree.TreeSpec, value: Any, path: str) -> list[Any]:
    """One level of `value`, in the order of `spec`. Lists stand for tuples, and dicts for each
    other."""
    if spec.type in _DICTS and isinstance(value, _DICTS):
        keys = keys_of(spec)
        if set(keys) == set(value):
            return [value[key] for key in keys]
        raise InputError(f"'{path}' has the keys {_listed(value)}, the model takes {_listed(keys)}")
    if spec.type in (list, tuple) and type(value) in (list, tuple):
        if len(value) == spec.num_children:
            return list(value)
        raise InputError(f"'{path}' has {len(value)} items, the model takes {spec.num_children}")
    children, shape = pytree.tree_flatten(value, is_leaf=lambda item: item is not value)
    if not shape.is_leaf() and (shape.type, shape.context) == (spec.type, spec.context):
        return children
    raise InputError(
        f"'{path}' is {describe(value)}, the model takes {_describe_spec(spec)}",
        why="the structure of the arguments is that of the example inputs",
    )


def _steps(spec: pytree.TreeSpec) -> list[str]:
    """How each child is reached: "['a']", "[0]", ".field"."""
    if spec.type in _DICTS:
        return [f"[{key!r}]" for key in keys_of(spec)]
    if spec.type not in (list, tuple):
        found = _keys_of_object(spec)
        if len(found) == spec.num_children:
            return found
    return [f"[{i}]" for i in range(spec.num_children)]


def _keys_of_object(spec: pytree.TreeSpec) -> list[str]:
    try:
        whole = pytree.tree_unflatten(list(range(spec.num_leaves)), spec)
        found = pytree.tree_flatten_with_path(whole, is_leaf=lambda item: item is not whole)[0]
    except Exception:  # a class may want other values than numbers, or say nothing of its keys
        return []
    return [pytree.keystr(keys) for keys, _ in found]


def _describe_spec(spec: pytree.TreeSpec) -> str:
    if spec.type in _DICTS:
        return f"a dict with {_listed(keys_of(spec))}"
    if spec.type in (list, tuple):
        return f"a {spec.type.__name__} of {spec.num_children}"
    kind = spec.context if isinstance(spec.context, type) else spec.type
    return f"an object of type {kind.__qualname__}"


def _listed(keys: Any) -> str:
    return ", ".join(repr(key) for key in keys) or "nothing"
