"""Places in the user's code: where an attribute is written, and where an error came from.

    line_of((module, "state"))       # "Streaming.forward (model.py:18)"
    place_of(error)                  # "attend (layers.py:40)"
    with lines_of({("layers.py", "attend")}):
        torch.export.export(model, args)
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.fx.proxy

from .reach import is_foreign

_STORES = ("STORE_ATTR", "STORE_GLOBAL", "STORE_DEREF", "STORE_NAME")
_LOADS = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME")


def line_of(origin: tuple[Any, str] | None) -> str:
    """Where the user's code writes this attribute of an object, or this name of a function; or else
    the first place that uses it. Empty if neither is found."""
    if origin is None:
        return ""
    owner, name = origin
    functions = list(_functions_of(owner))
    for operations in (_STORES, _LOADS):
        for function in functions:
            line = _line_in(function.__code__, name, operations)
            if line:
                return f"{function.__qualname__} ({function.__code__.co_filename}:{line})"
    return ""


def _functions_of(owner: Any) -> Iterator[types.FunctionType]:
    """`forward` first: others build what it changes."""
    if isinstance(owner, types.FunctionType):
        yield owner
        return
    found = []
    for kind in (owner if isinstance(owner, type) else type(owner)).__mro__:
        if not is_foreign(kind.__module__):
            found += [f for f in vars(kind).values() if isinstance(f, types.FunctionType)]
    found = [function for function in found if function.__name__ != "__init__"]
    yield from sorted(found, key=lambda function: function.__name__ != "forward")


def _line_in(code: types.CodeType, name: str, operations: tuple[str, ...]) -> int | None:
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        if instruction.positions is not None and instruction.positions.lineno:
            line = instruction.positions.lineno
        if instruction.argval == name and instruction.opname.startswith(operations):
            return line
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found = _line_in(constant, name, operations)
            if found is not None:
                return found
    return None


def place_of(error: BaseException) -> str:
    """The innermost line of the user's own code that an exception went through."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if not is_foreign(frame.f_globals.get("__name__")):
            code = frame.f_code
            name = getattr(code, "co_qualname", code.co_name)
            place = f"{name} ({code.co_filename}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place


@contextmanager
def lines_of(functions: set[tuple[str, str]]) -> Iterator[None]:
    """torch.export notes the lines of functions that are called `forward`; of these, too."""
    noted = getattr(torch.fx.proxy, "_STACK_TRACE_ANCHORS", set())
    added = functions - noted
    noted |= added
    try:
        yield
    finally:
        noted -= added
