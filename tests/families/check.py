"""Converts one family's model, runs it on LiteRT on fresh inputs and compares with PyTorch.

    row = check("timm", "vit")
"""

from __future__ import annotations

import dataclasses
import gc
import re
import time
import warnings

import torch
from torch.utils import _pytree as pytree

import ferryman
from families import suites
from families.family import Sample
from ferryman.capture import capture
from ferryman.frozen import describe, values_of_inputs


@dataclasses.dataclass
class Row:
    """state: "right", "wrong" (differs by more than the tolerance), "refused", "not captured" or
    "not built"; the last two say nothing about the converter. A model that takes another way on
    other inputs than the frozen one is refused: the check of `ferryman.convert` does that."""

    suite: str
    name: str
    state: str = "not built"
    reason: str = ""
    error: float = 0.0  # of any output, relative to its largest magnitude
    frozen: int = 0  # values of inputs that the program has for constants
    nodes: int = 0  # of the exported program
    operators: int = 0  # of the file
    transposes: int = 0
    bytes_moved: int = 0
    lower_bound: int = 0
    capture_seconds: float = 0.0
    convert_seconds: float = 0.0


TOLERANCE = 1e-3  # over a whole network


def check(suite: str, name: str) -> Row:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    row = Row(suite, name)
    try:
        sample = suites.find(suite, name).build()
        expected = _eager(sample)
    except Exception as error:  # noqa: BLE001  whatever a model says on this machine
        row.reason = _short(error)
        return row
    _convert(row, sample, expected)
    del sample
    gc.collect()
    return row


def _convert(row: Row, sample: Sample, expected: list[torch.Tensor]) -> None:
    row.state = "not captured"
    start = time.process_time()
    try:
        program = capture(sample.module, *sample.example)
    except ferryman.Error as error:
        row.reason = _short(error)
        return
    row.capture_seconds = time.process_time() - start
    row.nodes = len(program.graph.nodes)
    frozen = values_of_inputs(program)
    row.frozen = len(frozen)
    row.state = "refused"
    start = time.process_time()
    try:
        model = ferryman.convert(program, verify=False, progress=False)
    except ferryman.Error as error:
        row.reason = refusal(error)
        return
    row.convert_seconds = time.process_time() - start
    _describe(row, model)
    _compare(row, model, sample, expected)
    if row.state == "wrong" and not frozen and not _is_the_module(program, sample, expected):
        row.state, row.reason = "not captured", "the program of torch.export computes otherwise"
    if frozen and row.state == "wrong":
        row.state, row.reason = "refused", f"goes another way: {'; '.join(describe(frozen))}"


def _describe(row: Row, model: ferryman.Model) -> None:
    native = model.report.native
    row.operators = sum(native.ops.values())
    row.transposes = len(native.layout.transposes)
    row.bytes_moved = native.layout.bytes_moved
    row.lower_bound = native.layout.lower_bound


def _compare(row: Row, model: ferryman.Model, sample: Sample, expected) -> None:
    row.state = "wrong"
    try:
        args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, sample.fresh)
        got = _tensors(model(*args, **kwargs))
    except Exception as error:  # noqa: BLE001
        row.reason = f"does not run: {_short(error)}"
        return
    if [t.shape for t in got] != [t.shape for t in expected]:
        row.reason = "other shapes"
        return
    row.error = max((relative(a, b) for a, b in zip(got, expected)), default=0.0)
    if row.error <= TOLERANCE:
        row.state = "right"
    else:
        row.reason = f"differs by {row.error:.1e}"


def _is_the_module(program, sample: Sample, expected: list[torch.Tensor]) -> bool:
    args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, sample.fresh)
    with torch.no_grad():
        got = _tensors(program.module()(*args, **kwargs))
    return all(relative(a, b) <= TOLERANCE for a, b in zip(got, expected))


def relative(got: torch.Tensor, expected: torch.Tensor) -> float:
    if expected.numel() == 0:
        return 0.0
    if not (expected.is_floating_point() or expected.is_complex()):
        return 0.0 if torch.equal(got.to(expected.dtype), expected) else float("inf")
    a, b = got.to(torch.complex128), expected.to(torch.complex128)
    same = (a == b) | (a.isnan() & b.isnan())
    finite = b.isfinite()
    scale = float(b[finite].abs().max()) if finite.any() else 1.0
    distance = torch.where(same, 0.0, (a - b).abs()).nan_to_num(float("inf"), float("inf"))
    return float(distance.max()) / max(scale, 1e-6)


def _eager(sample: Sample) -> list[torch.Tensor]:
    args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, sample.fresh)
    with torch.no_grad():
        return _tensors(sample.module(*args, **kwargs))


def _tensors(results) -> list[torch.Tensor]:
    return [leaf for leaf in pytree.tree_leaves(results) if isinstance(leaf, torch.Tensor)]


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = [line for line in lines if line.startswith("why:")]
    return " ".join([f"{type(error).__name__}: {(lines or [''])[0]}", *why])[:300]


def refusal(error: ferryman.Error) -> str:
    """The operators that are refused, or what else is said."""
    whats = re.findall(r"error\[E\d+\]: ([^\n]*)", str(error))
    return "; ".join(dict.fromkeys(whats))[:400] or _short(error)
