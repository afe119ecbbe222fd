"""Turns a difference into an error that says where it starts."""

from __future__ import annotations

from .compare import Difference
from .errors import VerificationError
from .frozen import describe as describe_frozen
from .report import Report

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
            return VerificationError(
                f"{node.op} gives another result on LiteRT than in PyTorch: "
                f"{describe(node.difference)}",
                where=node.place,
                why="all values before it that the file has agree" + _exactness(node.difference),
                hint=_HINT,
                diagnostics=[node.difference],
            )
    for kernels, by_name in report.checks.outputs.items():
        for name, difference in by_name.items():
            if not difference.ok:
                captured = report.checks.program.get(name)
                if captured is not None and not captured.ok and not report.frozen:
                    return _other_program(name, captured)
                return VerificationError(
                    f"output '{name}' differs from PyTorch with {kernels}: {describe(difference)}",
                    why="all values inside that were compared agree" + _exactness(difference),
                    hint=_output_hint(report),
                    diagnostics=[difference],
                )
    return None


def _other_program(name: str, difference: Difference) -> VerificationError:
    return VerificationError(
        f"output '{name}' of the program that torch.export captured differs from the module's, "
        f"both in PyTorch: {describe(difference)}",
        why="the module takes another way in eager mode; the file computes what the program does",
        hint="look for what asks whether the module is being exported or compiled "
        "(torch.compiler.is_exporting); verify=False takes the program as it is",
        diagnostics=[difference],
    )


def _output_hint(report: Report) -> str:
    """The nodes are those of the traced program; the outputs are compared with the model itself."""
    if report.checks.orders:
        return (
            "the order of equal or nearly equal values is open in PyTorch, and decides here, at "
            f"{', '.join(report.checks.orders[:4])}: sort with stable=True, check with inputs "
            "without ties as ferryman.Verify(inputs=[(x,), …]), or verify=False skips the check"
        )
    if not report.frozen:
        return _HINT
    lines = "\n".join(f"  {line}" for line in describe_frozen(report.frozen))
    return (
        f"the likely cause is that the model looks at values, which were frozen:\n{lines}\n"
        "use torch.where or torch.cond there, or move that part out of the model; for inputs that "
        "all give these values, pass such inputs as ferryman.Verify(inputs=[(x,), …])"
    )


def _exactness(difference: Difference) -> str:
    """What float64 said about it, if it was asked."""
    if difference.error is None:
        return ""
    return (
        f"; from the exact value, in float64, the file is {difference.error:.1e} off and PyTorch "
        f"{difference.torch_error:.1e}"
    )


def describe(difference: Difference) -> str:
    if difference.note:
        return difference.note
    return (
        f"expected {difference.expected:.7g}, got {difference.got:.7g} at "
        f"{list(difference.index)} (the worst; {difference.relative:.1e} of the largest value)"
    )
