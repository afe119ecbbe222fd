"""Whether a written module builds what the file holds: both are run on the same numbers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import VerificationError
from ..keras_runtime import import_keras, load_model

_BATCH, _OTHER_SIZE = 2, 64  # along axes that are free


def require_same(source: Path, keras_file: Path) -> None:
    stored = load_model(keras_file)
    inputs = [_numbers(tensor) for tensor in stored.inputs]
    try:
        expected = _run(stored, inputs)
    except Exception:  # sizes that the model does not take; there is nothing to compare with then
        return
    try:
        given = _run(_module(source).build_model(), inputs)
    except Exception as error:
        raise _wrong(f"it does not run: {type(error).__name__}: {error}") from error
    for number, (one, other) in enumerate(zip(expected, given, strict=True)):
        if not np.allclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True):
            raise _wrong(f"output {number} is another")


def _wrong(why: str) -> VerificationError:
    return VerificationError(
        "the Python source would not build the model that was converted",
        why=why,
        hint="nothing was written; the model itself can be saved. Please report this",
    )


def _numbers(tensor: Any) -> np.ndarray:
    sizes = [_BATCH if place == 0 else _OTHER_SIZE for place, _ in enumerate(tensor.shape)]
    shape = [size if known is None else known for known, size in zip(tensor.shape, sizes)]
    if "float" not in str(tensor.dtype):
        return np.zeros(shape, tensor.dtype)  # a place in any table
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def _run(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    keras = import_keras()
    tensors = [
        keras.ops.convert_to_tensor(array, dtype=tensor.dtype)
        for array, tensor in zip(inputs, model.inputs, strict=True)
    ]
    function = keras.Function(model.inputs, keras.tree.flatten(model.outputs))
    results = function(tensors)
    return [
        np.asarray(keras.ops.convert_to_numpy(keras.ops.stop_gradient(result)), dtype=np.float64)
        for result in results
    ]


def _module(source: Path) -> Any:
    spec = importlib.util.spec_from_file_location(source.stem, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
