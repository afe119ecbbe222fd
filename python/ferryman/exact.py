"""Judges values beyond the tolerance by the exact value of the node, in float64.

    run = functools.partial(eager.run_float64, program, leaves)
    judge = Judge(run, rtol=1e-4, atol=1e-5, factor=8.0)
    judge.settle(nodes={"conv2d": doubt}, outputs=[(0, doubt)])
    doubt.difference

No fixed tolerance fits every node of a deep network: PyTorch's own float32 can be as far from the
exact value as the file is, in another direction. So a floating value beyond its tolerance is right
if its error against float64 is at most `factor` times PyTorch's own at that node. One run in
float32 may have been lucky, where a network amplifies: what is still in doubt is held against
further runs in float64, in which every value is off by as much as float32 rounds. Integers
and booleans stay exact, and where float64 cannot tell, the tolerance decides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from . import eager
from .compare import Difference, compare
from .runtime import part_of

_NOISY_RUNS = 2


@dataclasses.dataclass
class Doubt:
    """A value that differs by more than the tolerance.

    computed: the exported program's own float32 value. `expected` may be that of the user's module,
    which then has to be close to the exact value, too.
    """

    difference: Difference
    expected: np.ndarray
    computed: np.ndarray
    got: np.ndarray
    part: str = ""  # of a complex value (runtime.part_of)
    verdict: Difference | None = None  # by the exact value
    exact: np.ndarray | None = None  # while it is needed
    spread: float = 0.0  # how far rounding alone took the value from there


def may_be_rounding(difference: Difference, expected: np.ndarray) -> bool:
    floating = np.issubdtype(expected.dtype, np.floating)
    return not difference.ok and floating and bool(np.isfinite(difference.worst))


@dataclasses.dataclass(frozen=True)
class Judge:
    # run(visit, noise): the flat outputs in float64, or None; it keeps to the decisions of the run
    # that is judged.
    run: Callable[[eager.Visit, torch.Generator | None], list[Any] | None]
    rtol: float
    atol: float
    factor: float

    def settle(self, nodes: dict[str, Doubt], outputs: Iterable[tuple[int, Doubt]]) -> None:
        """All doubts about a sample: by node, and by index of the output."""
        outputs = list(outputs)
        doubts = [*nodes.values(), *(doubt for _, doubt in outputs)]
        if not self._run(nodes, outputs, self._learn_exact):
            return
        for doubt in doubts:
            doubt.difference = doubt.verdict or doubt.difference
        nodes = {name: doubt for name, doubt in nodes.items() if doubt.exact is not None}
        outputs = [(index, doubt) for index, doubt in outputs if doubt.exact is not None]
        for seed in range(_NOISY_RUNS if nodes or outputs else 0):
            self._run(nodes, outputs, self._learn_spread, torch.Generator().manual_seed(seed))
        for doubt in doubts:
            if doubt.exact is not None:
                doubt.difference = self._judge(doubt, doubt.exact)

    def _run(self, nodes, outputs, learn: Callable[[Doubt, np.ndarray], None], noise=None) -> bool:
        """One run in float64. Whether it went to the end."""

        def visit(name: str, value: Any) -> None:
            # At once: a write in place may follow.
            if name in nodes:
                learn(nodes[name], _array(nodes[name], value))

        values = self.run(visit, noise)
        for index, doubt in outputs if values is not None else ():
            learn(doubt, _array(doubt, values[index]))
        return values is not None

    def _learn_exact(self, doubt: Doubt, value: np.ndarray) -> None:
        doubt.verdict = self._judge(doubt, value)
        if not doubt.verdict.ok:
            doubt.exact = value.copy()

    def _learn_spread(self, doubt: Doubt, value: np.ndarray) -> None:
        worst = compare(doubt.exact, value, rtol=self.rtol, atol=self.atol).worst
        doubt.spread = max(doubt.spread, worst if np.isfinite(worst) else 0.0)

    def _judge(self, doubt: Doubt, exact: np.ndarray) -> Difference:
        ours, expected, torchs = (
            compare(exact, np.asarray(other), rtol=self.rtol, atol=self.atol)
            for other in (doubt.got, doubt.expected, doubt.computed)
        )
        if not np.isfinite([ours.worst, expected.worst, torchs.worst]).all():
            return doubt.difference
        tolerance = self.atol + self.rtol * float(np.abs(exact).max())
        allowed = max(tolerance, self.factor * max(torchs.worst, doubt.spread))
        used = max(ours.worst, expected.worst) / allowed
        return dataclasses.replace(
            doubt.difference,
            ok=used <= 1,
            used=used if used <= 1 else doubt.difference.used,
            error=ours.relative,
            torch_error=torchs.relative,
        )


def _array(doubt: Doubt, value: Any) -> np.ndarray:
    return part_of(eager.to_numpy(value), doubt.part)
