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
from .native_contract import Placement, Port


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
    in the order of the file."""
    from .tflite import graph  # registers TFLite's operators

    if path.suffix != ".tflite":
        raise InputError(
            "a model that was converted to Keras is called where a program is captured",
            hint='convert it to TFLite; or call it in a converter with target="keras"',
        )
    given = [_to_stored(leaves[port.index], port) for port in inputs]
    results = graph(path, *given)
    results = results if isinstance(results, tuple) else (results,)
    return {port.index: _from_stored(r, port.placement) for port, r in zip(outputs, results)}


def _to_stored(value: Any, port: Port) -> torch.Tensor:
    placement = _plain(port)
    if not isinstance(value, torch.Tensor):
        value = torch.as_tensor(value)
    ordered = value.reshape(placement.factors).permute(placement.perm).reshape(port.shape)
    return ordered.to(getattr(torch, port.dtype)).contiguous()


def _from_stored(stored: torch.Tensor, placement: Placement) -> torch.Tensor:
    perm = placement.perm
    permuted = stored.reshape([placement.factors[axis] for axis in perm])
    return permuted.permute(sorted(range(len(perm)), key=perm.__getitem__))


def _plain(port: Port) -> Placement:
    if port.placement.part or not all(isinstance(f, int) for f in port.placement.factors):
        what = "holds complex numbers" if port.placement.part else "has a free size"
        raise InputError(
            f"the model's '{port.name}' {what}",
            why="a part of another model takes plain tensors of fixed sizes",
            hint="convert the part without",
        )
    return port.placement


def keras_call(
    model: Any, names: Mapping[str, int], outputs: Sequence[int], leaves: Sequence[Any]
) -> dict[int, Any]:
    """The results of a live model. names: the index of the leaf that each input takes; outputs: of
    its outputs, the indices among the results."""
    given = [leaves[names[tensor.name]] for tensor in model.inputs]
    results = model(given[0] if len(given) == 1 else given)
    results = results if isinstance(results, (list, tuple)) else [results]
    return dict(zip(outputs, results))
