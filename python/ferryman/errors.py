"""Errors that Ferryman raises. Each says what, where, why and what to do now, in that order.

try:
    model = ferryman.convert(module, (x,))
except ferryman.UnsupportedOps as error:
    print(error)            # the whole text
    error.diagnostics       # the same as data, one entry per kind of op
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


class Error(Exception):
    """Base of everything that Ferryman raises on purpose."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        why: str = "",
        hint: str = "",
        diagnostics: Sequence[Any] = (),
    ):
        self.what = what
        self.where = where
        self.why = why
        self.hint = hint
        self.diagnostics = list(diagnostics)
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        for label, text in (("at", self.where), ("why", self.why), ("hint", self.hint)):
            if text:
                lines.append(f"  {label + ':':<6}{_indent(text)}")
        return "\n".join(lines)


class InputError(Error):
    """The arguments of the call do not fit: wrong example inputs, module in training mode, …"""


class CaptureError(Error):
    """torch.export could not turn the module into a graph; `why` holds torch's reason."""


class UnsupportedOps(Error):
    """Ops (all of them) that have no conversion for the target.

    skeletons: converters for them, to be filled in; a part of the message.
    """

    skeletons = ""

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}\n\n{self.skeletons}" if self.skeletons else text


class VerificationError(Error):
    """The converted model computes something else; names the first value that differs.

    error.report.show() prints the whole tree.
    """

    report = None


def _indent(text: str) -> str:
    return text.replace("\n", "\n        ")


# By the hundred of a diagnostic's code (support/diagnostic.h): reading, the program, the graph, the
# target, writing, our own. One error of the first kind decides.
_BY_CODE = (
    ("E01", InputError),
    ("E0403", InputError),  # an option that does not fit this model
    ("E02", UnsupportedOps),
    ("E04", UnsupportedOps),
)


def from_native(error: Exception) -> Error:
    """The public exception for a `_native.NativeError`; its text is the core's own rendering."""
    content = json.loads(str(error))
    diagnostics = content["diagnostics"]
    codes = [diagnostic["code"] for diagnostic in diagnostics]
    for prefix, kind in _BY_CODE:
        if any(code.startswith(prefix) for code in codes):
            return kind(content["text"], diagnostics=diagnostics)
    return Error(content["text"], diagnostics=diagnostics)
