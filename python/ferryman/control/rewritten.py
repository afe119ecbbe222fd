"""Which of the user's statements a program has as graphs of their own, with the program.

    rewritten(program)          # (Rewritten("if", "model.py", 12),)

An archive keeps them in a file of its own.
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Iterable

from torch.export import ExportedProgram

from .record import Rewritten

_KEY = "ferryman_rewritten"  # in the metadata of a graph module
_FILE = "ferryman_rewritten.json"
WHAT = "plain Python control flow was rewritten to torch.cond and torch.while_loop"
WHY = "each of these takes its way by the values of the run"
NOT_RAISED = "what Python raises here by the values of the inputs, the file does not"
NOT_RAISED_WHY = "a file cannot raise: it computes as if the condition did not arise"


def remember(program: ExportedProgram, found: Iterable[Rewritten]) -> None:
    program.graph_module.meta[_KEY] = tuple(found)


def rewritten(program: ExportedProgram) -> tuple[Rewritten, ...]:
    return program.graph_module.meta.get(_KEY, ())


def to_files(program: ExportedProgram) -> dict[str, str]:
    """What torch.export.save takes as extra files."""
    text = json.dumps([dataclasses.asdict(statement) for statement in rewritten(program)])
    return {_FILE: text} if rewritten(program) else {}


def from_archive(program: ExportedProgram, path: str) -> None:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(f"/extra/{_FILE}")]
        found = json.loads(archive.read(names[0])) if names else []
    remember(program, [Rewritten(**statement) for statement in found])
