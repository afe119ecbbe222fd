"""Values of tensors that Python looked at while a model was traced: what the program has frozen.

    values_of_inputs(program)   # those that other inputs may change
    describe(values)            # ["True of item in blocks.0 (model.py:12)"]

A program with such values is right only for inputs that give the same ones. freezing.py traces.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import sys
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from types import FrameType

import torch
from torch.export import ExportedProgram

HERE = os.path.dirname(__file__) + os.sep
TORCH = os.path.dirname(torch.__file__) + os.sep
_KEY = "ferryman_frozen"  # in the metadata of a graph module
_FILE = "ferryman_frozen.json"
_SHOWN = 8  # values of one place; the report's JSON has all
WHAT = "values that depend on the inputs were frozen at those of the example"
WHY = "the model is right only for inputs that give the same ones"


class FrozenValues(UserWarning):
    """The model looks at values of its inputs in Python, and the program has the example's."""


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A value that tracing fixed.

    what: "True", "3", or "size (2, 4)" of a result whose size depends on values.
    of_inputs: whether an input (or chance) has a part in it; the next call may give another value.
    """

    what: str
    op: str  # "item": also of `bool(tensor)` and `tolist`; "nonzero"
    module_path: str
    module_type: str
    file: str
    line: int
    of_inputs: bool

    @property
    def place(self) -> str:
        """ "of item in blocks.0 (model.py:12)"."""
        return f"of {self.op} in {self.module_path or self.module_type} ({self.file}:{self.line})"


def remember(program: ExportedProgram, found: Sequence[Frozen]) -> None:
    program.graph_module.meta[_KEY] = tuple(dict.fromkeys(found))


def values_of_inputs(program: ExportedProgram) -> tuple[Frozen, ...]:
    """The frozen values of a captured program that other inputs may change."""
    return tuple(value for value in program.graph_module.meta.get(_KEY, ()) if value.of_inputs)


def warn(program: ExportedProgram, reasons: Sequence[Exception] = ()) -> None:
    """Says loudly which values of inputs the program has for constants.

    reasons: why control flow that depends on them was not rewritten.
    """
    values = values_of_inputs(program)
    if not values:
        return
    text = "\n".join(f"  {line}" for line in [*describe(values), *map(str, reasons)])
    tell(f"{WHAT}; {WHY}:\n{text}")


def tell(text: str) -> None:
    """Warns at the line that called the package, whichever way led here."""
    ours = itertools.takewhile(lambda frame: frame.f_code.co_filename.startswith(HERE), frames())
    warnings.warn(text, FrozenValues, stacklevel=1 + len(list(ours)))


def describe(values: Sequence[Frozen]) -> list[str]:
    """A line for each place, with the values that were read there."""
    by_place: dict[str, list[str]] = {}
    for value in values:
        by_place.setdefault(value.place, []).append(value.what)
    lines = []
    for place, whats in by_place.items():
        more = f" and {len(whats) - _SHOWN} more" if len(whats) > _SHOWN else ""
        lines.append(f"{', '.join(whats[:_SHOWN])}{more} {place}")
    return lines


# An archive keeps them in a file of its own -------------------------------------------------------


def to_files(program: ExportedProgram) -> dict[str, str]:
    """What torch.export.save takes as extra files."""
    values = values_of_inputs(program)
    text = json.dumps([dataclasses.asdict(value) for value in values])
    return {_FILE: text} if values else {}


def from_archive(program: ExportedProgram, path: str) -> None:
    """Gives a program the values that its archive lists."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(f"/extra/{_FILE}")]
        values = json.loads(archive.read(names[0])) if names else []
    remember(program, [Frozen(**value) for value in values])


def frames() -> Iterator[FrameType]:
    """From the innermost outwards."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
