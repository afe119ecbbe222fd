"""Rewritten code in the place of the user's, for as long as a program is captured.

    with exchanged({code: new_code}):
        torch.export.export(model, args)

A function is called under many names: from a class, a module, a list, a closure. So its code is
exchanged and not its name, and put back afterwards. Rewritten code does the same as the user's for
whoever calls it meanwhile. Functions that another one makes each time have theirs among that one's
constants.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType

_LOCK = threading.RLock()
Codes = Mapping[CodeType, CodeType]


@contextlib.contextmanager
def exchanged(codes: Codes) -> Iterator[None]:
    with _LOCK:
        functions = _functions_with(codes) if codes else []
        try:
            for function, _, new in functions:
                function.__code__ = new
            yield
        finally:
            for function, old, _ in functions:
                function.__code__ = old


def _functions_with(codes: Codes) -> list[tuple[FunctionType, CodeType, CodeType]]:
    """Each with its code and the one for it."""
    files = {code.co_filename for code in codes}
    found = []
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename in files:
            new = _with_new(thing.__code__, codes)
            if new is not thing.__code__:
                found.append((thing, thing.__code__, new))
    return found


def _with_new(code: CodeType, codes: Codes) -> CodeType:
    """A function that is rewritten itself was so with those that it makes."""
    if code in codes:
        return codes[code]
    constants = tuple(
        _with_new(constant, codes) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    is_same = all(new is old for new, old in zip(constants, code.co_consts))
    return code if is_same else code.replace(co_consts=constants)
