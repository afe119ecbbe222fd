"""ferryman verify model.pt2 model.tflite|model.keras

What the command line needs torch and the runtime for; everything else is in the core.
Exit status: 0 the same numbers, 1 they differ, 2 bad usage or unreadable input.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from .border import at_the_border
from .errors import Error, VerificationError

try:
    from .verdict import describe
    from .verify import Checks, Verify
    from .verify_file import verify_file
except ModuleNotFoundError as error:  # torch or numpy
    print(f"error: 'verify' needs the package {error.name}", file=sys.stderr)
    print(f"  hint: pip install {error.name}", file=sys.stderr)
    sys.exit(2)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        checks = _verify(options)
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if isinstance(error, VerificationError) else 2
    if options.json:
        print(json.dumps(dataclasses.asdict(checks)))
    else:
        print(_text(checks))
    return 0 if all(d.ok for by_name in checks.outputs.values() for d in by_name.values()) else 1


@at_the_border
def _verify(options: argparse.Namespace) -> Checks:
    check = Verify(samples=options.samples, rtol=options.rtol, atol=options.atol, every_node=False)
    return verify_file(options.archive, options.file, check)


def _text(checks: Checks) -> str:
    lines = []
    for kernels, by_name in checks.outputs.items():
        for name, difference in by_name.items():
            verdict = "the same" if difference.ok else "DIFFERENT"
            lines.append(
                f"{name} with {kernels}: {verdict}, worst difference {difference.worst:.1e}, "
                f"{difference.relative:.1e} of the largest value"
            )
            if not difference.ok:
                lines.append(f"  {describe(difference)}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ferryman", description="Needs torch, and ai-edge-litert or keras."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    verify = commands.add_parser(
        "verify", help="compare a .tflite or .keras file with the .pt2 it came from"
    )
    verify.add_argument("archive", metavar="model.pt2")
    verify.add_argument("file", metavar="model.tflite|model.keras")
    verify.add_argument("--samples", type=int, default=Verify.samples, help="inputs to try")
    verify.add_argument("--rtol", type=float, default=Verify.rtol)
    verify.add_argument("--atol", type=float, default=Verify.atol)
    verify.add_argument("--json", action="store_true", help="for machines")
    return parser

