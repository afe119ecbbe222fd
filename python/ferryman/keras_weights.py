"""Weights between a state_dict of PyTorch and a live model of Keras that was converted from it.

ferryman.load_state_dict(model.keras, net.state_dict())     # PyTorch's weights into Keras
net.load_state_dict(ferryman.state_dict(model.keras))       # and what Keras has learnt, back
"""

from __future__ import annotations

import json
import os
import weakref
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .eager import to_numpy
from .errors import InputError
from .native_contract import StoredWeight

_MAPPING = "ferryman.json"  # in a .keras file; src/targets/keras/format/write.cc

# Of live models that ferryman.Model gave.
_weights_of: weakref.WeakKeyDictionary[Any, Sequence[StoredWeight]] = weakref.WeakKeyDictionary()


def know(keras_model: Any, weights: Sequence[StoredWeight]) -> None:
    _weights_of[keras_model] = weights


def load_state_dict(
    keras_model: Any,
    state_dict: Mapping[str, torch.Tensor],
    *,
    file: os.PathLike | str | None = None,
) -> None:
    """Gives the variables of model.keras the values of a state_dict of the module that was
    converted. All or none: a key that is missing, or of another shape, is an InputError.

    file: of a model that Keras loaded by itself, the .keras that Ferryman wrote.
    """
    variables = _variables(keras_model)
    values = []
    for stored in _weights(keras_model, file):
        variable = _variable(variables, stored)
        parts = [_stored(stored, _entry(state_dict, key)) for key in stored.parameters]
        value = sum(parts) if stored.join == "sum" else np.concatenate([p.ravel() for p in parts])
        values.append((variable, value.reshape(variable.shape)))
    for variable, value in values:
        variable.assign(value)


def state_dict(
    keras_model: Any, *, file: os.PathLike | str | None = None
) -> dict[str, torch.Tensor]:
    """What model.keras has for the parameters and buffers of the module, in PyTorch's shapes and
    under its names. Of two biases that Keras adds up, the first is their sum.

    file: as of load_state_dict.
    """
    variables = _variables(keras_model)
    state: dict[str, np.ndarray] = {}
    for stored in _weights(keras_model, file):
        value = _to_numpy(_variable(variables, stored))
        parts = [value, *(np.zeros_like(value) for _ in stored.parameters[1:])]
        if stored.join == "stack":
            parts = np.split(value, len(stored.parameters))
        for key, part in zip(stored.parameters, parts):
            loaded = _loaded(stored, part)
            if stored.part:  # the other parts are those of other weights
                whole = state.setdefault(key, np.empty(stored.shape, loaded.dtype))
                whole[_indices(stored)] = loaded
            else:
                state[key] = loaded
    return {key: torch.from_numpy(value) for key, value in state.items()}


def mapping_of(weights: Sequence[StoredWeight]) -> dict[str, str]:
    return {stored.weight: " + ".join(_told(stored)) for stored in weights}


def _told(stored: StoredWeight) -> list[str]:
    """The parameters, "in_proj_weight[8:16]" where it is a part of one."""
    if not stored.part:
        return list(stored.parameters)
    axis, begin, end = stored.part
    return [f"{key}[{':, ' * axis}{begin}:{end}]" for key in stored.parameters]


def _indices(stored: StoredWeight) -> tuple[slice, ...]:
    axis, begin, end = stored.part
    return (*(slice(None) for _ in range(axis)), slice(begin, end))


def _weights(keras_model: Any, file: os.PathLike | str | None) -> Sequence[StoredWeight]:
    if file is not None:
        return _read_weights(Path(file))
    try:
        return _weights_of[keras_model]
    except (KeyError, TypeError) as error:
        raise InputError(
            "Ferryman does not know where the weights of this model come from",
            why="it tells them of the live model that a conversion gives, and of its file",
            hint='pass model.keras, where model = ferryman.convert(…, target="keras"), or say from '
            'which file it was loaded: file="net.keras"',
        ) from error


def _read_weights(file: Path) -> list[StoredWeight]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = json.loads(archive.read(_MAPPING))["weights"]
        return [
            StoredWeight(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()})
            for entry in entries
        ]
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file} does not say where its weights come from",
            why=str(error),
            hint="pass the .keras that Ferryman wrote: Keras keeps no note of it when it saves",
        ) from error


def _variable(variables: dict[str, Any], stored: StoredWeight) -> Any:
    if stored.weight in variables:
        return variables[stored.weight]
    raise InputError(
        f"the Keras model has no weight '{stored.weight}'",
        why="it is not the model that was converted, or not as Keras loads it",
    )


def _variables(keras_model: Any) -> dict[str, Any]:
    return {variable.path: variable for variable in getattr(keras_model, "variables", ())}


def _entry(state: Mapping[str, torch.Tensor], key: str) -> np.ndarray:
    if key not in state:
        raise InputError(f"the state_dict has no '{key}'")
    return to_numpy(state[key].detach())


def _to_numpy(variable: Any) -> np.ndarray:
    from .keras_runtime import import_keras

    return np.asarray(import_keras().ops.convert_to_numpy(variable))


def _stored(stored: StoredWeight, value: np.ndarray) -> np.ndarray:
    """As the file has it, but for the shape."""
    size = np.prod(stored.shape if stored.part else stored.factors, dtype=int)
    if value.size != size:
        raise InputError(
            f"{' + '.join(stored.parameters)} does not fit {stored.weight}",
            why=f"it has the shape {value.shape}, not {stored.shape}",
            hint="pass the state_dict of the module that was converted",
        )
    if stored.part:
        value = value.reshape(stored.shape)[_indices(stored)]
    parts = value.reshape(stored.factors)
    if stored.order:
        parts = parts[list(stored.order)]
    return parts.transpose(stored.perm)


def _loaded(stored: StoredWeight, value: np.ndarray) -> np.ndarray:
    """The inverse, in the shape of the parameter or of the part of it."""
    parts = value.reshape([stored.factors[axis] for axis in stored.perm])
    parts = parts.transpose(np.argsort(stored.perm))
    if stored.order:
        parts = parts[np.argsort(stored.order)]
    shape = list(stored.shape)
    if stored.part:
        axis, begin, end = stored.part
        shape[axis] = end - begin
    return np.ascontiguousarray(parts).reshape(shape)
