"""Writing .pt2 archives for the core, and loading them with torch to compare and to run.

program = export(module, (x,), "model.pt2")
program = load("model.pt2")
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from . import frozen, program_sizes
from .border import at_the_border
from .capture import as_module, capture
from .control import rewritten
from .conversions.registry import Conversions, Converter
from .conversions.replacing import Replacing
from .decompose import decompose_unknown
from .errors import Error, InputError


@at_the_border
def export(
    module: nn.Module | Callable | ExportedProgram,
    args: tuple = (),
    kwargs: dict[str, Any] | None = None,
    path: str | os.PathLike | None = None,
    *,
    dynamic_shapes: Any = None,
    converters: Sequence[Converter] = (),
    training: bool = False,
) -> ExportedProgram:
    """Captures a module for the `ferryman` program, or for another machine: as torch.export does,
    with what the core does not know decomposed by torch.

    dynamic_shapes: sizes that are free, as `convert` takes them.
    converters: conversions of your own before the registered ones; of both, those for all targets,
        since the archive is for any.
    path: where to write the .pt2 archive; complete or untouched.
    """
    if isinstance(kwargs, (str, os.PathLike)) and path is None:  # export(module, args, path)
        kwargs, path = None, kwargs
    if isinstance(module, ExportedProgram) and dynamic_shapes is not None:
        raise InputError(
            "dynamic_shapes has no effect on an ExportedProgram",
            why="its sizes were fixed, or left free, when it was exported",
            hint="export the module with them",
        )
    if not isinstance(module, ExportedProgram):
        module = as_module(module)
    listened = module if isinstance(module, nn.Module) else None
    replacing = Replacing(Conversions("", converters), listened, args, kwargs)
    replacing.rehearse()
    with replacing.in_capture():
        program = capture(module, args, kwargs, dynamic_shapes=dynamic_shapes, training=training)
    program = decompose_unknown(replacing.in_program(program))
    if path is None:
        return program
    target = Path(path)
    # torch wants the ending; the other parts keep it apart from what stands there.
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial.pt2")
    try:
        torch.export.save(program, partial, extra_files=_notes(program))
        os.replace(partial, target)
    except (OSError, RuntimeError) as error:  # torch's own writer raises the latter
        raise Error(f"cannot write {target}", why=str(error).splitlines()[0]) from error
    finally:
        partial.unlink(missing_ok=True)
    return program


def _notes(program: ExportedProgram) -> dict[str, str]:
    """What torch does not keep."""
    return frozen.to_files(program) | rewritten.to_files(program) | program_sizes.to_files(program)


def _register_operators_of(path: str) -> None:
    """torch loads no program with operators that it does not know."""
    with zipfile.ZipFile(path) as archive:
        graphs = (archive.read(name) for name in archive.namelist() if name.endswith(".json"))
        if any(b"ferryman.tfl_" in graph for graph in graphs):
            from . import tflite  # noqa: F401


def load(path: str | os.PathLike) -> ExportedProgram:
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise InputError(f"there is no file {path}")
    try:
        _register_operators_of(path)
        program = torch.export.load(path)
        frozen.from_archive(program, path)
        rewritten.from_archive(program, path)
        program_sizes.from_archive(program, path)
        return program
    except Exception as error:  # torch raises what it comes across: zip, JSON, key and type errors
        lines = str(error).strip().splitlines()
        raise InputError(
            f"torch cannot read {path}",
            why=f"{type(error).__name__}: {lines[0] if lines else ''}",
            hint="write it with torch.export.save(torch.export.export(module, args), path)",
        ) from error
