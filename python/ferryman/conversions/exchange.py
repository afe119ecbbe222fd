"""Functions in Python that nobody tells of, answered in another way for a while in this context.

    with answered(torchvision.ops.batched_nms, answer):
        model(x)                 # answer(original, args, kwargs) in the place of each call

The code of the function is exchanged and not its name: models hold it under names of their own.
Other threads that call it meanwhile get what they always got.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import CodeType, FunctionType
from typing import Any

Answer = Callable[[Callable, tuple, dict[str, Any]], Any]

_LOCK = threading.RLock()  # a function is one for all threads


@contextlib.contextmanager
def answered(function: FunctionType, answer: Answer) -> Iterator[None]:
    original = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    original.__kwdefaults__, original.__dict__ = function.__kwdefaults__, function.__dict__
    original.__qualname__ = function.__qualname__
    is_here: ContextVar[bool] = ContextVar("answered", default=False)

    def called(*args, **kwargs):
        return answer(original, args, kwargs) if is_here.get() else original(*args, **kwargs)

    with _LOCK:
        code = function.__code__
        function.__code__ = _calling(called, code)
        token = is_here.set(True)
        try:
            yield
        finally:
            is_here.reset(token)
            function.__code__ = code


def _calling(called: Callable, instead_of: CodeType) -> CodeType:
    """Code that hands everything on. It stands where the other does, and has its free variables,
    which Python wants of code that is exchanged."""

    def hand_on(*args, **kwargs):
        function: Any = "called"
        return function(*args, **kwargs)

    code = hand_on.__code__
    constants = tuple(called if c == "called" else c for c in code.co_consts)
    return code.replace(
        co_consts=constants,
        co_freevars=instead_of.co_freevars,
        co_filename=instead_of.co_filename,
        co_firstlineno=instead_of.co_firstlineno,
    )
