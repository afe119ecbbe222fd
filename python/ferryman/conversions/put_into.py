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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..keras_runtime import GUEST, Guests, import_keras, renewed, reset_states
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
    entries[_WEIGHTS] = _with_weights(entries[_WEIGHTS], notes["models"], models)
    del notes["models"]
    entries[_NOTES] = json.dumps(notes).encode()
    config = entries[_CONFIG]
    loadable = path.with_stem(f"{path.stem}_guests")
    _write(loadable, entries | {_CONFIG: _with(config, models, _note)})
    why_not = ""
    try:
        entries[_CONFIG] = _with(config, models, _whole)
    except Exception as error:  # of whatever the user's own layers say of themselves
        why_not = f"{type(error).__name__}: {error}"
    _write(path, entries)
    return Guests(models, str(loadable), why_not)


def _write(path: Path, entries: dict[str, bytes]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    os.replace(partial, path)


def _model(note: dict[str, Any]) -> Any:
    """Under the name that it has in the file."""
    specs = [(tuple(given["shape"]), given["dtype"]) for given in note["inputs"]]
    return renewed(body_of(note["key"]).model(specs), note["name"])


def _with(text: bytes, models: dict[str, Any], said: Callable[[Any], dict]) -> bytes:
    """The configuration with the models as they are `said`."""
    config = json.loads(text)
    for layer in _entries(config["config"]["layers"]):
        if layer["name"] in models and layer["class_name"] == "Functional":
            layer.update(said(models[layer["name"]]))
    return json.dumps(config).encode()


def _whole(model: Any) -> dict[str, Any]:
    return import_keras().saving.serialize_keras_object(model)


def _note(model: Any) -> dict[str, Any]:
    kind = {"module": None, "class_name": GUEST, "registered_name": GUEST}
    return {**kind, "config": {"name": model.name}}


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
                reset_states(models[note["name"]])
                models[note["name"]].save_weights(part)
                with h5py.File(part, "r") as weights:
                    group = file.require_group(note["group"])
                    for name in weights:
                        if name in group:
                            del group[name]
                        weights.copy(name, group)
        return whole.read_bytes()
