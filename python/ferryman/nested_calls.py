"""A converted model as a part of another one: called in the body of a converter, while the model
around it is captured.

    results = traced_call(model_ports, tensors)       # of a .tflite file, by torch.ops.ferryman
    results = keras_call(model.keras, tensors)        # of symbolic tensors of Keras
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from .errors import InputError
from .leaves import is_of_keras
from .native_contract import Port


def is_traced(leaves: Sequence[Any]) -> bool:
    """Whether a tracer follows what is computed of these."""
    return any(isinstance(leaf, FakeTensor) for leaf in leaves)


def is_symbolic(leaves: Sequence[Any]) -> bool:
    """Whether there are tensors of Keras without values among them."""
    return any(map(is_of_keras, leaves))


def traced_call(
    path: Path, inputs: Sequence[Port], outputs: Sequence[Port], leaves: Sequence[Any]
) -> dict[int, torch.Tensor]:
    """The results of a .tflite file by their index among those of the program; inputs and outputs:
    in the order of the file. Tensors have the file's order of axes."""
    from .tflite import graph  # registers TFLite's operators

    if path.suffix != ".tflite":
        raise InputError(
            "a model that was converted to Keras is called where a program is captured",
            hint='convert it to TFLite; or call it in a converter with target="keras"',
        )
    given = [_as_tensor(leaves[port.index], port) for port in inputs]
    for port in outputs:
        _require_plain(port)
    results = graph(path, *given)
    results = results if isinstance(results, tuple) else (results,)
    return {port.index: result for port, result in zip(outputs, results)}


def _as_tensor(value: Any, port: Port) -> torch.Tensor:
    """In the order of axes that the file has, as everywhere a model is called."""
    _require_plain(port)
    tensor = value if isinstance(value, torch.Tensor) else torch.as_tensor(value)
    return tensor.to(getattr(torch, port.dtype)).contiguous()


def _require_plain(port: Port) -> None:
    if port.placement.part or not all(isinstance(f, int) for f in port.placement.factors):
        what = "holds complex numbers" if port.placement.part else "has a free size"
        raise InputError(
            f"the model's '{port.name}' {what}",
            why="a part of another model takes plain tensors of fixed sizes",
            hint="convert the part without",
        )


def keras_call(
    model: Any, names: Mapping[str, int], outputs: Sequence[int], leaves: Sequence[Any]
) -> dict[int, Any]:
    """The results of a live model. names: the index of the leaf that each input takes; outputs: of
    its outputs, the indices among the results."""
    given = [leaves[names[tensor.name]] for tensor in model.inputs]
    results = model(given[0] if len(given) == 1 else given)
    results = results if isinstance(results, (list, tuple)) else [results]
    return dict(zip(outputs, results))
