"""The program `ferryman`, as the package installs it: the core's own, which needs no torch; only
`verify` runs models, in Python, and `convert` to a `.py` writes the text of one."""

from __future__ import annotations

import signal
import sys

from . import _native


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 done, 1 failed, 2 bad usage or unreadable input."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["verify"]:
        from .verify_command import main as verify  # imports torch

        return verify(arguments)
    if arguments[:1] == ["convert"]:
        from .keras_source.command import convert_to_source, output_of

        if (output_of(arguments) or "").endswith(".py"):
            return convert_to_source(arguments)
    # Python ignores it; a program that writes into `| head` ends there, without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    return _native.run_program(["ferryman", *arguments])
