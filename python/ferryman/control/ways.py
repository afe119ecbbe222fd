"""Which ways of its branches and loops a program takes, and inputs that take the others.

ways = Ways(program)
ways.see(leaves)                          # of this sample
for leaves in ways.search(example, 0):    # found by trying
    …
ways.untaken()                            # those that nothing took
"""

from __future__ import annotations

import dataclasses
import math
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from .. import eager
from ..bodies import Body
from .draws import draws

_SECONDS = 2.0
_SECONDS_OF_A_RUN = 0.2  # a loop may go on for ever
_COND = torch.ops.higher_order.cond
_LOOP = torch.ops.higher_order.while_loop
_FRAME = re.compile(r'File "(.*)", line (\d+)')


@dataclasses.dataclass(frozen=True)
class Way:
    """One answer to one condition."""

    node: Node = dataclasses.field(compare=True, repr=False)
    answer: bool

    @property
    def what(self) -> str:
        if self.node.target is _LOOP:
            return "the loop is entered" if self.answer else "the loop is left at once"
        return f"the condition is {str(self.answer).lower()}"

    def to_place(self) -> dict[str, Any]:
        frames = _FRAME.findall(self.node.meta.get("stack_trace") or "")
        own = [frame for frame in frames if not frame[0].startswith("<")]  # else torch made it
        file, line = own[-1] if own else ("", 0)
        return {"what": self.what, "file": file, "line": int(line)}


class _OutOfTime(Exception):
    pass


class Ways:
    def __init__(self, program: ExportedProgram):
        self._program = program
        self._open = {
            Way(node, answer): None
            for module in program.graph_module.modules()
            if isinstance(module, GraphModule)
            for node in module.graph.nodes
            if node.target in (_COND, _LOOP)
            for answer in (True, False)
        }

    def see(self, leaves: list[Any], deadline: float = float("inf")) -> bool:
        """Whether these inputs take a way that none before took. Raises what an operator raises."""
        if not self._open:
            return False
        taken = self._taken(leaves, deadline)
        is_new = any(way in self._open for way in taken)
        self._forget(taken)
        return is_new

    def search(self, example: list[Any], seed: int) -> Iterator[list[Any]]:
        """Inputs that take ways which are left, within two seconds. Who says that they are out of
        the question (`send(False)`) has their ways searched on."""
        deadline = time.monotonic() + _SECONDS
        known = [example]
        for leaves in draws(known, seed):
            now = time.monotonic()
            if not self._open or now > deadline:
                return
            try:
                taken = self._taken(leaves, min(deadline, now + _SECONDS_OF_A_RUN))
            except Exception:  # whatever an operator raises over its operands
                continue
            if any(way in self._open for way in taken) and (yield leaves) is not False:
                self._forget(taken)
                known.append(leaves)

    def untaken(self) -> list[Way]:
        return list(self._open)

    def _forget(self, taken: set[Way]) -> None:
        for way in taken:
            self._open.pop(way, None)

    def _taken(self, leaves: list[Any], deadline: float) -> set[Way]:
        taken: set[Way] = set()
        eager.run_program(self._program, leaves, None, lookout=_Recorder(taken, deadline))
        return taken


@dataclasses.dataclass
class Watch:
    """On loops, of a run with inputs that the program may not have been written for. One may go on
    for ever in PyTorch: over `seconds`, the run ends with an exception. One that carries values up
    to infinity may go on for ever in the file, whose products stay at the largest number."""

    seconds: float = math.inf
    overflows: bool = False

    def run(self, program: ExportedProgram, leaves: list[Any]) -> list[Any]:
        recorder = _Recorder(set(), time.monotonic() + self.seconds, self)
        return eager.run_program(program, leaves, None, lookout=recorder)

    def see(self, operands: list[Any], iteration: int) -> None:
        if iteration > 0 and not self.overflows:
            self.overflows = any(map(_has_infinity, operands))


def _has_infinity(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and bool(value.isinf().any())


@dataclasses.dataclass
class _Recorder:
    """eager.Lookout: notes the answers to conditions, of a loop the first."""

    taken: set[Way]
    deadline: float
    watch: Watch | None = None
    _is_first: bool = True

    def run(self, node: Node, args: tuple, execute: Callable[[eager.Lookout], Any]) -> Any:
        return execute(_Recorder(self.taken, self.deadline, self.watch))

    def enter(self, body: Body, operands: list[Any], iteration: int | None) -> eager.Inside:
        if self.watch is not None and iteration is not None:
            self.watch.see(operands, iteration)
        return eager.Inside(lookout=self)

    def choose(self, node: Node, chosen: bool) -> bool:
        if time.monotonic() > self.deadline:
            raise _OutOfTime
        if self._is_first:
            self.taken.add(Way(node, chosen))
        self._is_first = False
        return chosen
