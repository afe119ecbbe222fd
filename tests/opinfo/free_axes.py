"""Samples of operators with one axis after the other made free, on other sizes of it.

    outcome = check_free_axes("add", max_samples=2)
    outcome.passed, outcome.refused, outcome.wrong, outcome.fixed     # axes

An axis is freed alone or, where PyTorch ties it to others, together with all of its size. What
PyTorch fixes then, or does not run on another size, is no free axis of PyTorch's; nor is one of a
sample that is refused with fixed sizes as well.
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
    _short,
    _short_refusal,
    _tensors,
)
from opinfo.databases import DATABASES
from opinfo.samples import Case
from opinfo.ties import settle_ties

_MAX_AXES = 4  # of one sample
_CANDIDATES = 8  # samples among which those with an axis are looked for
# PyTorch writes past the end where sizes differ that it does not compare: none is freed alone.
_UNCHECKED = {"native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update"}


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
        return "passes" if self.passed else "none"


class Fixed(Exception):
    """PyTorch itself takes one size."""


def check_free_axes(op: str, max_samples: int, database: str = "operators") -> FreeOutcome:
    outcome, reasons = FreeOutcome(op), collections.Counter()
    try:
        found = list(DATABASES[database].cases(op, torch.float32, _CANDIDATES))
    except Exception:  # noqa: BLE001  whatever a sample generator lacks on this machine
        return outcome
    for case in [case for case in found if any(_choices(case))][:max_samples]:
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
    tied = _tied(case, axes[0])
    model, others = _converted(case, [tied] if op in _UNCHECKED else [axes, tied])
    if getattr(model.report, "frozen", ()):
        raise Fixed("Python looks at values")
    judged = [_judge(op, model, change, *other) for change, other in others.items()]
    if not any(judged):
        raise Fixed("its conditions leave no other size")


def _converted(
    case: Case, choices: list[list[tuple[int, int]]]
) -> tuple[ferryman.Model, dict[int, tuple[Case, list[torch.Tensor]]]]:
    """With the first choice of axes that PyTorch takes, and other sizes with what comes of them."""
    refusal = "PyTorch takes no other size"
    for way in choices:
        others = _others(case, way)
        if not others:
            continue
        try:
            return _convert(case, way), others
        except (ferryman.CaptureError, ferryman.InputError) as error:
            refusal = _short(error)
        except ferryman.Error:
            if not _converts_fixed(case):
                raise Fixed("the sample is refused with fixed sizes as well") from None
            raise
    raise Fixed(refusal)


def _others(case: Case, axes: list[tuple[int, int]]) -> dict[int, tuple[Case, list[torch.Tensor]]]:
    """By how much the axes are longer."""
    others = {}
    for change in (1, 3, -1):
        other = _resized(case, axes, change)
        if other is None:
            continue
        try:
            others[change] = (other, _eager(other))
        except NotExpressible:
            continue
    return others


def _judge(
    op: str, model: ferryman.Model, change: int, other: Case, expected: list[torch.Tensor]
) -> bool:
    """Whether the model takes that size; raises Wrong."""
    try:
        results = _tensors(model(*[tensor.clone() for tensor in other.fresh]))
    except ferryman.InputError:
        return False
    except ferryman.Error as error:
        raise Wrong(f"{change:+d}: does not run: {_short(error)}") from error
    got = settle_ties(op, other.fresh[0], results, expected)
    if len(got) != len(expected):
        raise Wrong(f"{len(got)} outputs instead of {len(expected)}")
    try:
        _compare_all(got, expected)
    except Wrong as error:
        raise Wrong(f"{change:+d}: {error}") from error
    return True


def _converts_fixed(case: Case) -> bool:
    try:
        _convert(case, [])
    except ferryman.Error:
        return False
    return True


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
    """The case with these axes longer or shorter: entries repeat from the beginning. What is in
    order, as searches need it, stays in order."""
    tensors = list(case.fresh)
    for i, axis in axes:
        size = tensors[i].shape[axis] + change
        if size < 1:
            return None
        places = torch.arange(size) % tensors[i].shape[axis]
        in_order = torch.equal(tensors[i], tensors[i].sort(axis)[0])
        tensors[i] = tensors[i].index_select(axis, places)
        if in_order:
            tensors[i] = tensors[i].sort(axis)[0]
    return dataclasses.replace(case, fresh=tuple(tensors), example=tuple(tensors))
