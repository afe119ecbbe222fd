"""Element types of PyTorch as TensorFlow has them, and tensors brought to one type."""

from __future__ import annotations

from typing import Any

import torch

from ..keras_here import keras

_HIGHEST_FIRST = "complex128 complex64 float64 float32 float16 int64 int32 int16 int8 bool".split()


def dtype_pytorch2keras(dtype: torch.dtype | None) -> Any:
    """tf.float32 of torch.float32; its name where TensorFlow is not installed."""
    if dtype is None:
        return None
    name = str(dtype).removeprefix("torch.")
    try:
        import tensorflow
    except ImportError:
        return name
    return getattr(tensorflow, name)


def to_common_type(leaves: list[Any], is_tensor: Any) -> list[Any]:
    """Tensors, and numbers among them, of the highest type that one of them has."""
    types = [keras.backend.standardize_dtype(leaf.dtype) for leaf in leaves if is_tensor(leaf)]
    known = [name for name in _HIGHEST_FIRST if name in types]
    numbers = [leaf for leaf in leaves if type(leaf) in (int, float)]
    if not known:
        return leaves
    target = known[0]
    if any(type(number) is float for number in numbers) and "float" not in target:
        target = "float32"
    return [_cast(leaf, target) if is_tensor(leaf) else leaf for leaf in leaves]


def _cast(tensor: Any, target: str) -> Any:
    name = keras.backend.standardize_dtype(tensor.dtype)
    if name == target or name not in _HIGHEST_FIRST:
        return tensor
    order = getattr(tensor, "channel_order", None)
    result = keras.ops.cast(tensor, target)
    if order is not None:
        result.channel_order = order
    return result
