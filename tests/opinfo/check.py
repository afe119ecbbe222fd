"""Converts the samples of an operator or module, runs them on LiteRT or Keras and compares with
PyTorch.

    outcome = check_op("operators", "add", "float32", max_samples=8)
    outcome.state        # "passes", "refused", "wrong" or "not expressible"
"""

from __future__ import annotations

import collections
import dataclasses
import re
import warnings

import torch
from torch.utils import _pytree as pytree

import ferryman
from ferryman.capture import capture
from ferryman.frozen import values_of_inputs
from opinfo.databases import DATABASES
from opinfo.samples import DTYPES, Case
from opinfo.ties import settle_ties
from passes_off import without_passes

RTOL = 1e-4  # of max(|reference|, 1), element by element


@dataclasses.dataclass
class Outcome:
    """What became of the samples of an operator in one dtype. `reasons` tells of those that do not
    pass, the most frequent first."""

    op: str
    dtype: str
    passed: int = 0
    refused: int = 0
    wrong: int = 0
    reasons: list[str] = dataclasses.field(default_factory=list)

    @property
    def state(self) -> str:
        if self.wrong:
            return "wrong"
        if self.refused:
            return "refused"
        return "passes" if self.passed else "not expressible"


class NotExpressible(Exception):
    """The sample tells nothing about a converter."""


class Wrong(Exception):
    """A file that does not compute what PyTorch does."""


def check_op(
    database: str,
    op: str,
    dtype: str,
    max_samples: int,
    disabled_passes: tuple[str, ...] = (),
    target: str = "tflite",
) -> Outcome:
    with without_passes(*disabled_passes):
        return _check_op(database, op, dtype, max_samples, target)


def _check_op(database: str, op: str, dtype: str, max_samples: int, target: str) -> Outcome:
    outcome = Outcome(op, dtype)
    reasons = collections.Counter()
    try:
        found = list(DATABASES[database].cases(op, DTYPES[dtype], max_samples))
    except Exception as error:  # noqa: BLE001  whatever a sample generator lacks on this machine
        outcome.reasons = [f"no samples: {_short(error)}"]
        return outcome
    for case in found:
        try:
            check_case(op, case, target)
            outcome.passed += 1
            continue
        except NotExpressible as error:
            reason = str(error)
        except Wrong as error:
            outcome.wrong += 1
            reason = f"sample {case.index}: {error}"
        except ferryman.Error as error:
            outcome.refused += 1
            reason = _short_refusal(error)
        except Exception as error:  # noqa: BLE001
            # Nothing but our own errors may reach a user.
            outcome.wrong += 1
            reason = f"sample {case.index}: {type(error).__name__}: {_short(error)}"
        reasons[reason] += 1
    # Wrong before refused before not expressible.
    outcome.reasons = [reason for reason, _ in reasons.most_common()]
    outcome.reasons.sort(key=lambda reason: not reason.startswith("sample"))
    return outcome


def check_case(op: str, case: Case, target: str = "tflite") -> None:
    """Raises Wrong, NotExpressible or the ferryman.Error that refused it."""
    expected = _eager(case)
    program = _export(case)
    try:
        model = ferryman.convert(
            program, target=target, nan="exact", verify=False, progress=False
        )
    except ferryman.Error as error:
        # Many samplers set the seed, so that two runs in eager mode agree.
        if any(_is_random(node.target) for node in program.graph.nodes):
            raise NotExpressible("random") from error
        raise
    got = _run(model, case)
    if len(got) != len(expected):
        raise Wrong(f"{len(got)} outputs instead of {len(expected)}")
    got = settle_ties(op, case.fresh[0], got, expected)
    try:
        _compare_all(got, expected)
    except Wrong:
        _require_faithful(program, case, expected)
        raise


def _compare_all(got: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    for index, (mine, theirs) in enumerate(zip(got, expected)):
        compare(index, mine, theirs)


def _require_faithful(program, case: Case, expected: list[torch.Tensor]) -> None:
    """Attention with a padding mask takes another way in eager mode, with other results."""
    with torch.no_grad():
        results = program.module()(*[tensor.clone() for tensor in case.fresh])
    try:
        _compare_all(_tensors(results), expected)
    except Wrong as error:
        raise NotExpressible("the captured program differs in PyTorch itself") from error


def _run(model: ferryman.Model, case: Case) -> list[torch.Tensor]:
    try:
        results = model(*[tensor.clone() for tensor in case.fresh])
    except ferryman.Error as error:
        raise Wrong(f"does not run: {_short(error)}") from error
    return _tensors(results)


def _eager(case: Case) -> list[torch.Tensor]:
    if not case.example:
        raise NotExpressible("no tensor goes in")
    if any(tensor.layout is not torch.strided for tensor in case.example):
        raise NotExpressible("sparse")
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            states = [torch.random.get_rng_state()]
            results = case.module(*[tensor.clone() for tensor in case.fresh])
            states.append(torch.random.get_rng_state())
            again = case.module(*[tensor.clone() for tensor in case.fresh])
    except Exception as error:
        raise NotExpressible(f"PyTorch does not run it: {_short(error)}") from error
    if not torch.equal(*states):
        raise NotExpressible("random")
    expected = _tensors(results)
    if any(tensor.layout is not torch.strided for tensor in expected):
        raise NotExpressible("sparse")
    if any(tensor.dtype is torch.complex32 for tensor in expected):
        raise NotExpressible("torch itself computes little in complex32")
    for first, second in zip(expected, _tensors(again)):
        if not torch.equal(_plain(first), _plain(second)):
            raise NotExpressible("uninitialised memory")
    return expected


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """Without what differs from itself."""
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.nan_to_num()


def _tensors(results) -> list[torch.Tensor]:
    return [leaf for leaf in pytree.tree_leaves(results) if isinstance(leaf, torch.Tensor)]


def _export(case: Case) -> torch.export.ExportedProgram:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = capture(case.module.eval(), case.example)
    except (ferryman.CaptureError, ferryman.InputError) as error:
        raise NotExpressible(f"torch.export: {_short(error)}") from error
    if values_of_inputs(program):
        raise NotExpressible("Python looks at values")
    if program.range_constraints or any(map(_has_open_size, program.graph.nodes)):
        raise NotExpressible("the size of a result depends on values")
    if any(map(_makes_anything, program.graph.nodes)):
        raise NotExpressible("uninitialised memory")
    return program


def _makes_anything(node: torch.fx.Node) -> bool:
    name = getattr(node.target, "__name__", "").removeprefix("new_")
    return name.startswith(("empty.", "empty_like.", "empty_strided.", "resize_"))


def _has_open_size(node: torch.fx.Node) -> bool:
    if torch.Tag.dynamic_output_shape in getattr(node.target, "tags", ()):
        return True
    values = pytree.tree_leaves(node.meta.get("val"))
    sizes = [size for v in values if isinstance(v, torch.Tensor) for size in v.shape]
    return any(isinstance(size, torch.SymInt) for size in sizes)


def _is_random(target) -> bool:
    tags = getattr(target, "tags", ())
    return torch.Tag.nondeterministic_seeded in tags


def compare(index: int, got: torch.Tensor, expected: torch.Tensor) -> None:
    if got.shape != expected.shape:
        raise Wrong(f"output {index} has shape {tuple(got.shape)}, not {tuple(expected.shape)}")
    is_floating = got.dtype.is_floating_point
    if got.dtype != expected.dtype and is_floating != expected.dtype.is_floating_point:
        raise Wrong(f"output {index} is {got.dtype}, not {expected.dtype}")
    if not (expected.is_floating_point() or expected.is_complex()):
        if not torch.equal(got.to(expected.dtype), expected):
            raise Wrong(f"output {index}: {_first(got != expected, got, expected)}")
        return
    wide = torch.complex128 if expected.is_complex() else torch.float64
    a, b = got.to(wide), expected.to(wide)
    same = (a == b) | (a.isnan() & b.isnan())
    near = (a - b).abs() <= RTOL * b.abs().clamp(min=1.0)
    # An infinite reference allows no distance.
    bad = ~(same | (near & a.isfinite() & b.isfinite()))
    if bad.any():
        raise Wrong(f"output {index}: {_first(bad, got, expected)}")


def _first(bad: torch.Tensor, got: torch.Tensor, expected: torch.Tensor) -> str:
    place = tuple(bad.nonzero()[0].tolist())
    share = f"{int(bad.sum())} of {bad.numel()}"
    return f"{got[place].item():.7g} instead of {expected[place].item():.7g} ({share})"


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = next((line for line in lines if line.startswith("why:")), "")
    return f"{(lines or [type(error).__name__])[0]} {why}".strip()[:200]


def _short_refusal(error: ferryman.Error) -> str:
    text = str(error)
    whats = re.findall(r"aten\.[\w.]+[^\n]*", text)
    return "; ".join(dict.fromkeys(whats))[:300] or _short(error)
