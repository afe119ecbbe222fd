"""Conversions inside of the functions of converters.

    def body(module, x):
        part = ferryman.convert(module, (example,))     # runs by itself, without its converter
        return part(x)

Such a function runs several times: on the example, for the program, and for each input that is
checked. What it converts is converted once; each run gets a model of its own, with the weights of
that conversion.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Protocol

from .calls import current, heard
from .registry import Converter


class Nested(Protocol):
    def again(self) -> Nested:
        """As it was converted."""


@dataclasses.dataclass
class Remembered:
    """The models that one body converts, in their order."""

    models: list[Nested] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class _Run:
    remembered: Remembered
    next: int = 0


_RUN: ContextVar[_Run | None] = ContextVar("ferryman_body", default=None)
# Whose functions run; what they convert is converted without them.
_ACTIVE: ContextVar[tuple[Converter, ...]] = ContextVar("ferryman_active", default=())


@contextlib.contextmanager
def running(converter: Converter, remembered: Remembered) -> Iterator[None]:
    """While its function runs."""
    run = _RUN.set(_Run(remembered))
    active = _ACTIVE.set((*_ACTIVE.get(), converter))
    try:
        yield
    finally:
        _ACTIVE.reset(active)
        _RUN.reset(run)


def active() -> tuple[Converter, ...]:
    return _ACTIVE.get()


def known() -> Nested | None:
    """What the conversion that begins here made in an earlier run of the body."""
    run = _RUN.get()
    if run is None or run.next >= len(run.remembered.models):
        return None
    run.next += 1
    return run.remembered.models[run.next - 1].again()


def remember(model: Nested) -> None:
    run = _RUN.get()
    if run is not None:
        run.remembered.models.append(model.again())
        run.next += 1


@contextlib.contextmanager
def by_itself() -> Iterator[None]:
    """A conversion in a body: what listens to the model around it does not hear it."""
    run = _RUN.set(None)
    try:
        if heard() is None:
            yield
        else:
            with current().deaf():
                yield
    finally:
        _RUN.reset(run)
