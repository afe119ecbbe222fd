"""torch.export of a module whose functions are rewritten where torch gives up.

    program = export_rewritten(module, args, kwargs)
    rewritten(program)                  # [Rewritten("if", "model.py", 12)]

torch's error names the function that asked for a value; the next error may name the next.
"""

from __future__ import annotations

from types import CodeType
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from ..hints import reason
from ..places import lines_of, place_of
from ..reach import is_foreign
from .exchange import exchanged
from .metadata import require_closed, tidy
from .reasons import CannotRewrite
from .record import recording
from .rewritten import remember
from .source import compile_function, source_of
from .statements import rewrite

_MAX_FUNCTIONS = 40
_PARTS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")  # of the function around
_GENERATED = ("_then", "_otherwise", "_body", "_test", "_running")


def export_rewritten(
    module: nn.Module, args: tuple, kwargs: dict[str, Any], dynamic_shapes: Any = None
) -> ExportedProgram:
    codes: dict[CodeType, CodeType] = {}
    for _ in range(_MAX_FUNCTIONS):
        try:
            return _export((module, args, kwargs), dynamic_shapes, codes)
        except Exception as error:
            code = _asking(error, codes)
            if code is None and not codes:
                raise
            if code is None:
                raise _told(error) from error
            source = source_of(code)
            codes[code] = compile_function(source, rewrite(source))
    raise CannotRewrite(f"more than {_MAX_FUNCTIONS} functions look at values")


def _told(error: Exception) -> CannotRewrite:
    if isinstance(error, CannotRewrite):
        return error
    said = reason(error).partition("\n")[0]
    return CannotRewrite(f"rewritten, torch.export fails at {place_of(error)}: {said}")


def _export(given, dynamic_shapes, codes: dict[CodeType, CodeType]) -> ExportedProgram:
    anchors = {(code.co_filename, name) for code in codes for name in (code.co_name, *_GENERATED)}
    with exchanged(codes), lines_of(anchors), recording() as found:
        program = torch.export.export(*given, dynamic_shapes=dynamic_shapes, strict=False)
    require_closed(program)
    tidy(program)
    remember(program, found)
    return program


def _asking(error: Exception, codes: dict[CodeType, CodeType]) -> CodeType | None:
    """The innermost function of the user's, if it is not rewritten yet."""
    if "DataDependent" not in type(error).__name__:
        return None
    found, line = None, 0
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        is_users = not is_foreign(trace.tb_frame.f_globals.get("__name__"))
        if is_users and code.co_name not in _PARTS:
            found, line = code, trace.tb_lineno
        trace = trace.tb_next
    if found in codes:
        raise CannotRewrite("nobody knows who calls it", found.co_filename, line) from error
    if found is None or found not in _all_codes(codes.values()):
        return found
    why = "its value is asked for by what is no if, while or range"
    raise CannotRewrite(why, found.co_filename, line) from error


def _all_codes(codes) -> set[CodeType]:
    found: set[CodeType] = set()
    for code in codes:
        found.add(code)
        found |= _all_codes(c for c in code.co_consts if isinstance(c, CodeType))
    return found
