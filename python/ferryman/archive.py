"""Loading .pt2 archives with torch, for comparison and for running."""

from __future__ import annotations

import os

import torch
from torch.export import ExportedProgram

from .errors import InputError


def load(path: str | os.PathLike) -> ExportedProgram:
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise InputError(f"there is no file {path}")
    try:
        return torch.export.load(path)
    except Exception as error:  # torch raises what it comes across: zip, JSON, key and type errors
        lines = str(error).strip().splitlines()
        raise InputError(
            f"torch cannot read {path}",
            why=f"{type(error).__name__}: {lines[0] if lines else ''}",
            hint="write it with torch.export.save(torch.export.export(module, args), path)",
        ) from error
