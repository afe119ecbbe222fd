"""Which ways of its branches and loops a program takes, and inputs that take the others.

ways = Ways(program)
ways.see(leaves)                          # of this sample
for leaves in ways.search(example, 0):    # found by trying
    …
ways.untaken()                            # those that nothing took
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from ..eager import arguments_of, undisturbed
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
        with undisturbed():
            recorder = _Recorder(self._program.graph_module, taken, deadline)
            recorder.run(*arguments_of(self._program, leaves))
        return taken


class _Recorder(torch.fx.Interpreter):
    """Runs a program, and notes the answers to its conditions, also those inside of others."""

    def __init__(self, module: GraphModule, taken: set[Way], deadline: float):
        super().__init__(module)
        self._taken, self._deadline = taken, deadline

    def run_node(self, node: Node) -> Any:
        if node.op != "call_function" or node.target not in (_COND, _LOOP):
            return super().run_node(node)
        if time.monotonic() > self._deadline:
            raise _OutOfTime
        args, _ = self.fetch_args_kwargs_from_env(node)
        return self._cond(node, *args) if node.target is _COND else self._loop(node, *args)

    def _cond(self, node: Node, predicate, then, otherwise, operands=()) -> Any:
        answer = bool(predicate)
        self._taken.add(Way(node, answer))
        return self._of(then if answer else otherwise, *operands)

    def _loop(self, node: Node, test, body, carried, others=()) -> Any:
        values, answer = tuple(carried), bool(self._of(test, *carried, *others))
        self._taken.add(Way(node, answer))
        while answer:
            if time.monotonic() > self._deadline:
                raise _OutOfTime
            values = self._of(body, *values, *others)
            answer = bool(self._of(test, *values, *others))
        return values

    def _of(self, module: GraphModule, *operands: Any) -> Any:
        return _Recorder(module, self._taken, self._deadline).run(*operands)
