"""What was rewritten in one capture, and how deep in its branches and loops it is.

with recording() as found:
    torch.export.export(…)
found                        # [Rewritten("if", "model.py", 12)]
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from contextvars import ContextVar


@dataclasses.dataclass(frozen=True)
class Rewritten:
    """A statement of the user's that is a graph of its own."""

    what: str  # "if", "while", "for"; "assert" and "raise" are not in the file
    file: str
    line: int

    @property
    def is_of_errors(self) -> bool:
        return self.what in ("assert", "raise")

    @property
    def place(self) -> str:
        return f"{self.what} ({self.file}:{self.line})"


_FOUND: ContextVar[dict[Rewritten, None] | None] = ContextVar("found", default=None)
_DEPTH: ContextVar[int] = ContextVar("depth", default=0)
_TENTATIVE: ContextVar[bool] = ContextVar("tentative", default=False)


@contextlib.contextmanager
def recording() -> Iterator[dict[Rewritten, None]]:
    found: dict[Rewritten, None] = {}
    token = _FOUND.set(found)
    try:
        yield found
    finally:
        _FOUND.reset(token)


def remark(what: str, file: str, line: int) -> None:
    found = _FOUND.get()
    if found is not None:
        found[Rewritten(what, file, line)] = None


def depth() -> int:
    return _DEPTH.get()


@contextlib.contextmanager
def deeper() -> Iterator[None]:
    token = _DEPTH.set(_DEPTH.get() + 1)
    try:
        yield
    finally:
        _DEPTH.reset(token)


def is_tentative() -> bool:
    """Whether a loop is looked at of which it is not known yet what it carries."""
    return _TENTATIVE.get()


@contextlib.contextmanager
def tentative(value: bool) -> Iterator[None]:
    token = _TENTATIVE.set(value)
    try:
        yield
    finally:
        _TENTATIVE.reset(token)
