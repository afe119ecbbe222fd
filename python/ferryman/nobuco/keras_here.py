"""Keras, on TensorFlow where that is installed and nobody chose another backend: nobuco's scripts
have bodies that call TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

if "keras" not in sys.modules and not os.environ.get("KERAS_BACKEND"):
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    os.environ["KERAS_BACKEND"] = "tensorflow" if has_tensorflow else "torch"

import keras  # noqa: E402

__all__ = ["keras"]


def is_symbolic(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)
