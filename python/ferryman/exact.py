"""Judges values beyond the tolerance by the exact value of the node, in float64.

    judge = Judge(program, leaves, rtol=1e-4, atol=1e-5, factor=8.0)
    judge.settle(nodes={"conv2d": doubt}, outputs=[(0, doubt)])
    doubt.difference

No fixed tolerance fits every node of a deep network: PyTorch's own float32 can be as far from the
exact value as the file is, in another direction. So a floating value beyond its tolerance is right
if its error against float64 is at most `factor` times PyTorch's own at that node. Integers and
booleans stay exact, and where float64 cannot tell, the tolerance decides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from torch.export import ExportedProgram

from . import eager
from .compare import Difference, compare
from .runtime import part_of


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


def may_be_rounding(difference: Difference, expected: np.ndarray) -> bool:
    floating = np.issubdtype(expected.dtype, np.floating)
    return not difference.ok and floating and bool(np.isfinite(difference.worst))


@dataclasses.dataclass(frozen=True)
class Judge:
    program: ExportedProgram
    leaves: list[Any]
    rtol: float
    atol: float
    factor: float

    def settle(self, nodes: dict[str, Doubt], outputs: Iterable[tuple[int, Doubt]]) -> None:
        """One run in float64 for all doubts about a sample: by node, and by index of the output."""
        judged: dict[str, Difference] = {}

        def visit(name: str, value: Any) -> None:
            # At once: a write in place may follow.
            if name in nodes:
                judged[name] = self._judge(nodes[name], value)

        exact_outputs = eager.run_float64(self.program, self.leaves, visit)
        if exact_outputs is None:
            return
        for name, difference in judged.items():
            nodes[name].difference = difference
        for index, doubt in outputs:
            doubt.difference = self._judge(doubt, exact_outputs[index])

    def _judge(self, doubt: Doubt, value: Any) -> Difference:
        exact = part_of(eager.to_numpy(value), doubt.part)
        ours, expected, torchs = (
            compare(exact, np.asarray(other), rtol=self.rtol, atol=self.atol)
            for other in (doubt.got, doubt.expected, doubt.computed)
        )
        if not np.isfinite([ours.worst, expected.worst, torchs.worst]).all():
            return doubt.difference
        tolerance = self.atol + self.rtol * float(np.abs(exact).max())
        used = max(ours.worst, expected.worst) / max(tolerance, self.factor * torchs.worst)
        return dataclasses.replace(
            doubt.difference,
            ok=used <= 1,
            used=used if used <= 1 else doubt.difference.used,
            error=ours.relative,
            torch_error=torchs.relative,
        )
