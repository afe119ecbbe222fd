"""The way of a run through branches and loops, for runs of the same program that keep to it.

    trail = []
    eager.run_program(program, leaves, visit, steer, lookout)      # appends to it as it goes
    eager.run_float64(program, leaves, visit, lookout=Replay(trail))

In order of execution there is for each choice whether the first branch was taken, or another
iteration done, and for each run of a body what keeps to its decisions (an eager.Steer, or None).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from . import eager
from .bodies import Body

Trail = list[bool | eager.Steer | None]


class Replay:
    """eager.Lookout."""

    def __init__(self, trail: Sequence[bool | eager.Steer | None]):
        self._events = iter(tuple(trail))

    def run(self, node: torch.fx.Node, args: tuple, execute: Callable[[eager.Lookout], Any]) -> Any:
        return execute(self)

    def enter(self, body: Body, operands: list[Any], iteration: int | None) -> eager.Inside:
        return eager.Inside(steer=next(self._events), lookout=self)

    def choose(self, node: torch.fx.Node, chosen: bool) -> bool:
        return next(self._events)
