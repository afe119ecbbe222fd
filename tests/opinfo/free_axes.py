"""Samples of operators with one axis after the other made free, on other sizes of it.

    outcome = check_free_axes("add", max_samples=2)
    outcome.passed, outcome.refused, outcome.wrong, outcome.fixed     # axes

An axis is freed alone or, where PyTorch ties it to others, together with all of its size. What
torch.export fixes then is no free axis of PyTorch's.
"""

from __future__ import annotations

import collections
import dataclasses
import warnings
from collections.abc import Iterator

import torch

import ferryman
from opinfo.check import (
    NotExpressible,
    Wrong,
    _compare_all,
    _eager,
    _run,
    _short,
    _short_refusal,
)
from opinfo.databases import DATABASES
from opinfo.samples import Case
from opinfo.ties import settle_ties

_MAX_AXES = 4  # of one sample


@dataclasses.dataclass
class FreeOutcome:
    """What became of the axes of an operator's samples; `reasons` of those that do not pass."""

    op: str
    passed: int = 0
    refused: int = 0
    wrong: int = 0
    fixed: int = 0  # by PyTorch
    reasons: list[str] = dataclasses.field(default_factory=list)

    @property
    def state(self) -> str:
        if self.wrong:
            return "wrong"
        if self.refused:
            return "refused" if not self.passed else "in part"
        return "passes" if self.passed else "none free"


class Fixed(Exception):
    """PyTorch itself takes one size."""


def check_free_axes(op: str, max_samples: int) -> FreeOutcome:
    outcome, reasons = FreeOutcome(op), collections.Counter()
    try:
        found = list(DATABASES["operators"].cases(op, torch.float32, max_samples))
    except Exception:  # noqa: BLE001  whatever a sample generator lacks on this machine
        return outcome
    for case in found:
        for what, axes in _choices(case):
            try:
                _check(op, case, axes)
                outcome.passed += 1
                continue
            except (Fixed, NotExpressible) as error:
                outcome.fixed += 1
                reason = f"fixed: {error}"
            except Wrong as error:
                outcome.wrong += 1
                reason = f"sample {case.index}, {what}: {error}"
            except ferryman.Error as error:
                outcome.refused += 1
                reason = _short_refusal(error)
            except Exception as error:  # noqa: BLE001  nothing but our own errors may come out
                outcome.wrong += 1
                reason = f"sample {case.index}, {what}: {type(error).__name__}: {_short(error)}"
            reasons[reason] += 1
    outcome.reasons = [reason for reason, _ in reasons.most_common()]
    outcome.reasons.sort(key=lambda reason: (not reason.startswith("sample"), "fixed" in reason))
    return outcome


def _choices(case: Case) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Axes of the first tensor that has any, each with what must be free together with it."""
    first = next((i for i, t in enumerate(case.example) if t.dim() > 0), None)
    if first is None:
        return
    for axis, size in list(enumerate(case.example[first].shape))[:_MAX_AXES]:
        if size < 2:
            continue
        yield f"axis {axis}", [(first, axis)]


def _tied(case: Case, chosen: tuple[int, int]) -> list[tuple[int, int]]:
    size = case.example[chosen[0]].shape[chosen[1]]
    return [
        (i, axis)
        for i, tensor in enumerate(case.example)
        for axis, other in enumerate(tensor.shape)
        if other == size
    ]


def _check(op: str, case: Case, axes: list[tuple[int, int]]) -> None:
    _eager(case)  # NotExpressible of what is random or the like
    model = None
    ways = [axes, _tied(case, axes[0])]
    for way in ways:
        try:
            model, axes = _convert(case, way), way
            break
        except (ferryman.CaptureError, ferryman.InputError) as error:
            refusal = error
    if model is None:
        raise Fixed(_short(refusal))
    if ferryman_freezes(model):
        raise NotExpressible("Python looks at values")
    judged = 0
    for change in (1, 3, -1):
        other = _resized(case, axes, change)
        if other is None:
            continue
        try:
            expected = _eager(other)
        except NotExpressible:
            continue
        judged += 1
        got = settle_ties(op, other.fresh[0], _run(model, other), expected)
        if len(got) != len(expected):
            raise Wrong(f"{len(got)} outputs instead of {len(expected)}")
        try:
            _compare_all(got, expected)
        except Wrong as error:
            raise Wrong(f"{change:+d}: {error}") from error
    if not judged:
        raise NotExpressible("PyTorch takes no other size")


def ferryman_freezes(model: ferryman.Model) -> bool:
    return bool(getattr(model.report, "frozen", ()))


def _convert(case: Case, axes: list[tuple[int, int]]) -> ferryman.Model:
    shapes = [dict.fromkeys((axis for i, axis in axes if i == position), "n") or None
              for position in range(len(case.example))]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ferryman.convert(
            case.module.eval(), case.example, dynamic_shapes=(tuple(shapes),), nan="exact",
            verify=False, progress=False,
        )  # fmt: skip


def _resized(case: Case, axes: list[tuple[int, int]], change: int) -> Case | None:
    """The case with these axes longer or shorter: entries repeat from the beginning."""
    tensors = list(case.fresh)
    for i, axis in axes:
        size = tensors[i].shape[axis] + change
        if size < 1:
            return None
        places = torch.arange(size) % tensors[i].shape[axis]
        tensors[i] = tensors[i].index_select(axis, places)
    return dataclasses.replace(case, fresh=tuple(tensors), example=tuple(tensors))
