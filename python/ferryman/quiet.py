"""Keeps torch's own noise off the screen while a model is captured or run.

    with quiet():
        program = torch.export.export(model, args)

torch logs the frames of what it then raises, prints the graph so far, and warns of its own
deprecated parts and of weights that are not contiguous. The error that we raise has the reason, or
another way of capture succeeds. What the model itself prints and warns of gets through.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator

_PACKAGES = r"(torch|torchvision|copyreg|contextlib)(\.|$)"
# Told at the user's line, of what torch does inside.
_MESSAGES = (
    r"(?s).*RNN module weights are not part of single contiguous chunk",
    r"(?s).*treespec, LeafSpec",
    r"(?s).*attributes? .* (was|were) assigned during export",
    r"(?s).*lru_cache",
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with _silent_logs(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_PACKAGES)
        for message in _MESSAGES:
            warnings.filterwarnings("ignore", message=message)
        with (
            contextlib.redirect_stderr(_WithoutGraphs(sys.stderr)),
            contextlib.redirect_stdout(_WithoutGraphs(sys.stdout)),
        ):
            yield


@contextlib.contextmanager
def _silent_logs() -> Iterator[None]:
    logs = [
        log
        for name, log in logging.root.manager.loggerDict.items()
        if isinstance(log, logging.Logger) and name.partition(".")[0] == "torch"
    ]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels):
            log.setLevel(level)


class _WithoutGraphs:
    """A stream that lets all but torch's graphs through, and the ends of their lines."""

    def __init__(self, stream):
        self._stream = stream
        self._left_out = False

    def write(self, text: str) -> int:
        is_end = self._left_out and not text.strip()
        self._left_out = is_end or (
            "def forward(self" in text and (" = torch." in text or "class GraphModule(" in text)
        )
        return len(text) if self._left_out else self._stream.write(text)

    def __getattr__(self, name: str):
        return getattr(self._stream, name)
