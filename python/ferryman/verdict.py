"""Turns a difference into an error that says where it starts."""

from __future__ import annotations

import math

from .compare import Difference
from .errors import VerificationError
from .frozen import describe as describe_frozen
from .report import Report
from .runtime import Kernels

_LARGEST = 3.4028234663852886e38  # of float32
_HINT = (
    "unless the model draws random numbers, this is a mistake of Ferryman: please report it. "
    "ferryman.Verify(rtol=…, atol=…) sets another tolerance, verify=False skips the check"
)


def require_equal(report: Report) -> None:
    """Raises VerificationError if anything differs."""
    error = find_failure(report)
    if error is not None:
        error.report = report
        raise error


def find_failure(report: Report) -> VerificationError | None:
    """About the first node that differs, or else about an output."""
    for node in report.nodes.values():
        if node.difference is not None and not node.difference.ok:
            run = f", {node.difference.run}," if node.difference.run else ""
            what = (
                f"{node.op}{run} gives another result on {_runtime(report)} than in PyTorch: "
                f"{describe(node.difference)}"
            )
            names = list(report.nodes)
            if any(names.index(cut) < names.index(node.name) for cut in report.checks.cut):
                return _limit(report, what, node.place, node.difference)
            why = "all values before it that the file has agree" + _exactness(node.difference)
            return _mistake(report, what, node.place, why, node.difference)
    for kernels, by_name in report.checks.outputs.items():
        for name, difference in by_name.items():
            if not difference.ok:
                return _wrong_output(report, kernels, name, difference)
    return None


def _wrong_output(report: Report, kernels: str, name: str, difference) -> VerificationError:
    captured = report.checks.program.get(name)
    if captured is not None and not captured.ok and not report.frozen:
        return _other_program(name, captured)
    if name in report.checks.nan_outputs:
        return _other_nan(name, difference)
    what = f"output '{name}' differs from PyTorch with {kernels}: {describe(difference)}"
    if kernels == Kernels.PLAIN.value and (report.checks.cut or is_cut(difference)):
        return _limit(report, what, "", difference)
    why = "all values inside that were compared agree" + _exactness(difference)
    return _mistake(report, what, "", why, difference)


def _mistake(report: Report, what: str, where: str, why: str, difference) -> VerificationError:
    return VerificationError(
        what, where=where, why=why, hint=_hint(report), diagnostics=[difference]
    )


def _limit(report: Report, what: str, where: str, difference) -> VerificationError:
    cut = report.checks.cut
    place = f", first at {report.nodes[cut[0]].place}" if cut else ""
    return VerificationError(
        what,
        where=where,
        why="a limit of LiteRT: its built-in kernels cut infinite sums and products to the "
        f"largest number{place}; XNNPACK keeps them",
        hint="put infinities in last (masked_fill after the arithmetic), or use "
        "torch.finfo(x.dtype).min for them; verify=False takes the file as it is",
        diagnostics=[difference],
    )


def _other_nan(name: str, difference: Difference) -> VerificationError:
    return VerificationError(
        f"output '{name}' differs from PyTorch where there is NaN: {describe(difference)}",
        why='with nan="fast" extremes and orders are the target\'s own operators, which treat NaN '
        "otherwise; there was some in the inputs or on the way",
        hint='nan="exact" gives what PyTorch does; without NaN both are the same',
        diagnostics=[difference],
    )


def is_cut(difference: Difference) -> bool:
    """Whether the largest number stands where an infinity is expected."""
    expected, got = difference.expected, difference.got
    if not isinstance(expected, float) or not isinstance(got, float):
        return False
    return math.isinf(expected) and got == math.copysign(_LARGEST, expected)


def _other_program(name: str, difference: Difference) -> VerificationError:
    return VerificationError(
        f"output '{name}' of the program that torch.export captured differs from the module's, "
        f"both in PyTorch: {describe(difference)}",
        why="the module takes another way in eager mode; the file computes what the program does",
        hint="look for what asks whether the module is being exported or compiled "
        "(torch.compiler.is_exporting); verify=False takes the program as it is",
        diagnostics=[difference],
    )


def _hint(report: Report) -> str:
    """The nodes are those of the traced program; the outputs are compared with the model itself."""
    if report.frozen:
        lines = "\n".join(f"  {line}" for line in describe_frozen(report.frozen))
        return (
            f"the likely cause is that the model looks at values, which were frozen:\n{lines}\n"
            "use torch.where or torch.cond there, or move that part out of the model; for inputs "
            "that all give these values, pass such inputs as ferryman.Verify(inputs=[(x,), …])"
        )
    if report.checks.open:
        places = ", ".join(report.checks.open[:4])
        return (
            f"rounding may decide here: at {places} values are within the tolerance of where the "
            "result jumps, and the file does not show how it decides; check with inputs that are "
            "further from it as ferryman.Verify(inputs=[(x,), …]), or verify=False skips the check"
        )
    return _HINT


def _exactness(difference: Difference) -> str:
    """What float64 said about it, if it was asked."""
    if difference.error is None:
        return ""
    return (
        f"; from the exact value, in float64, the file is {difference.error:.1e} off and PyTorch "
        f"{difference.torch_error:.1e}"
    )


def _runtime(report: Report) -> str:
    return "Keras" if report.native.runtime.name == "Keras" else "LiteRT"


def describe(difference: Difference) -> str:
    if difference.note:
        return difference.note
    return (
        f"expected {difference.expected:.7g}, got {difference.got:.7g} at "
        f"{list(difference.index)} (the worst; {difference.relative:.1e} of the largest value)"
    )
