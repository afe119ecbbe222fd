"""Puts the models of Keras converters into a file that the core has written.

    guests = put_models("model.keras")

For each of them the file has a functional model without content, and a note in ferryman.json: its
key, its group in the file of weights, what it takes.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..keras_runtime import Guests, import_keras
from .keras_bodies import body_of

_CONFIG, _NOTES, _WEIGHTS = "config.json", "ferryman.json", "model.weights.h5"
_DATE = (1980, 1, 1, 0, 0, 0)  # equal models are equal files


def put_models(path: os.PathLike | str) -> Guests:
    path = Path(path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    notes = json.loads(entries[_NOTES])
    if "models" not in notes:
        return Guests()
    models = {note["name"]: _model(note) for note in notes["models"]}
    entries[_CONFIG] = _with_configs(entries[_CONFIG], models)
    entries[_WEIGHTS] = _with_weights(entries[_WEIGHTS], notes["models"], models)
    del notes["models"]
    entries[_NOTES] = json.dumps(notes).encode()
    partial = path.with_name(f".{path.name}.partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    os.replace(partial, path)
    layers = [layer for model in models.values() for layer in _layers(model)]
    classes = {name: kind for layer in layers for name, kind in _names(layer)}
    return Guests(frozenset(models), classes)


def _model(note: dict[str, Any]) -> Any:
    specs = [(tuple(given["shape"]), given["dtype"]) for given in note["inputs"]]
    return body_of(note["key"]).model(specs)


def _with_configs(text: bytes, models: dict[str, Any]) -> bytes:
    keras = import_keras()
    config = json.loads(text)
    for layer in _entries(config["config"]["layers"]):
        model = models.get(layer["name"])
        if model is None or layer["class_name"] != "Functional":
            continue
        made = keras.saving.serialize_keras_object(model)
        made["config"]["name"] = layer["name"]
        calls = layer["inbound_nodes"]
        layer.update(made)
        layer["inbound_nodes"] = calls
    return json.dumps(config).encode()


def _entries(layers: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of the model and of those that the core has nested in it."""
    for layer in layers:
        yield layer
        if layer["class_name"] == "Functional":
            yield from _entries(layer["config"].get("layers", []))


def _with_weights(content: bytes, notes: list[dict[str, Any]], models: dict[str, Any]) -> bytes:
    import h5py  # which Keras needs, too

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / _WEIGHTS
        whole.write_bytes(content)
        with h5py.File(whole, "r+") as file:
            for number, note in enumerate(notes):
                part = Path(folder) / f"{number}.weights.h5"
                models[note["name"]].save_weights(part)
                with h5py.File(part, "r") as weights:
                    group = file.require_group(note["group"])
                    for name in weights:
                        if name in group:
                            del group[name]
                        weights.copy(name, group)
        return whole.read_bytes()


def _layers(model: Any) -> Iterator[Any]:
    for layer in model._flatten_layers(include_self=False):
        if not type(layer).__module__.startswith(("keras.", "keras_")):
            yield layer


def _names(layer: Any) -> Iterator[tuple[str, type]]:
    keras = import_keras()
    kind = type(layer)
    yield kind.__name__, kind
    yield keras.saving.get_registered_name(kind), kind
