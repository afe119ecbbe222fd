"""`ferryman convert model.pt2 -o model.py`: a Keras model as a Python module, without Keras."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .. import _native
from ..errors import Error
from .source import write_source

_OUTPUT, _REPORT = ("-o", "--output"), ("--report",)


def output_of(arguments: list[str]) -> str | None:
    """What -o or --output says, if it is there."""
    return _option(arguments, _OUTPUT)[1]


def convert_to_source(arguments: list[str]) -> int:
    """The exit status. What the core says of the file that it makes is said of the module."""
    place, output = _option(arguments, _OUTPUT)
    with tempfile.TemporaryDirectory() as folder:
        keras_file = Path(folder) / "model.keras"
        arguments = [*arguments]
        arguments[place] = arguments[place].removesuffix(output) + str(keras_file)
        report = _option(arguments, _REPORT)[1]
        if report is None:
            report = str(Path(folder) / "report.json")
            arguments += ["--report", report]
        with _said_of(str(keras_file), output):
            status = _native.run_program(["ferryman", *arguments])
        if status != 0:
            return status
        try:
            write_source(keras_file, Path(output), _modules(json.loads(Path(report).read_text())))
        except Error as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _option(arguments: list[str], names: tuple[str, ...]) -> tuple[int, str | None]:
    """Where its value stands, and the value."""
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name not in names:
            continue
        if equals:
            return place, value
        if place + 1 < len(arguments):
            return place + 1, arguments[place + 1]
    return 0, None


def _modules(report: dict) -> dict[str, str]:
    """Classes by module path, of the modules whose own code runs something."""
    places = [node["location"] for node in report["nodes"]]
    return {place["module_path"]: place["module_type"].rpartition(".")[2] for place in places}


@contextlib.contextmanager
def _said_of(path: str, instead: str) -> Iterator[None]:
    """The core prints past Python; what it prints of a path is printed of another."""
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            said.seek(0)
            print(said.read().decode().replace(path, instead), end="", flush=True)
