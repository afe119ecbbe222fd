"""Functions and methods of the user's own that a converter may stand for.

    @ferryman.traceable
    def attend(q, k, v): ...

What the mark changes is that a conversion hears of calls; everywhere else the function is called as
ever, for the price of one look at a context variable.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

_MARK = "__ferryman_traceable__"
_Function = TypeVar("_Function", bound=Callable)


class Listener(Protocol):
    def called(self, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """The results of a call of a marked function."""


# Of the conversion that runs in this context, if one does.
LISTENER: ContextVar[Listener | None] = ContextVar("ferryman_listener", default=None)


def traceable(function: _Function) -> _Function:
    """Marks a function, or a method in its class. A converter names the marked function."""

    @functools.wraps(function)
    def called(*args, **kwargs):
        listener = LISTENER.get()
        if listener is None:
            return function(*args, **kwargs)
        return listener.called(called, args, kwargs)

    setattr(called, _MARK, function)
    return called


def is_traceable(function: Any) -> bool:
    return hasattr(function, _MARK)


def unmarked(function: Any) -> Callable:
    return getattr(function, _MARK)
