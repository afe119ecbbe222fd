"""The variables that a branch or a loop reads and binds.

state.get()          # their values, UNBOUND where there is none
state.put(values)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from .reasons import CannotRewrite


class _Unbound:
    def __repr__(self) -> str:
        return "unbound"


UNBOUND = _Unbound()


@dataclasses.dataclass(frozen=True)
class State:
    kind: str  # "if", "while" or "for"
    names: tuple[str, ...]
    outputs: tuple[str, ...]  # those that are bound, and read afterwards
    get: Callable[[], list[Any]]
    put: Callable[[list[Any]], None]
    effect: str  # what no graph can do, in words; empty if there is nothing
    file: str
    line: int

    def refuse(self, why: str) -> CannotRewrite:
        return CannotRewrite(f"the {self.kind} cannot be rewritten: {why}", self.file, self.line)

    def with_cell(self, more: Cell, name: str) -> State:
        """And one value more, which is always read."""

        def put(values: list[Any]) -> None:
            self.put(values[:-1])
            more.set(values[-1])

        return dataclasses.replace(
            self,
            names=(*self.names, name),
            outputs=(*self.outputs, name),
            get=lambda: [*self.get(), more.get()],
            put=put,
        )


@dataclasses.dataclass
class Cell:
    """A variable of the runtime's own."""

    value: Any

    def get(self) -> Any:
        return self.value

    def set(self, value: Any) -> None:
        self.value = value

    def state(self, kind: str, name: str, file: str, line: int) -> State:
        return State(
            kind, (name,), (name,), lambda: [self.value], lambda v: self.set(v[0]), "", file, line
        )


def cell(value: Any) -> Cell:
    return Cell(value)
