"""What has no meaning any more is said once."""

from __future__ import annotations

import warnings

_SAID: set[str] = set()


def say_once(what: str, why: str) -> None:
    if what not in _SAID:
        _SAID.add(what)
        warnings.warn(f"{what} has no effect: {why}", UserWarning, stacklevel=4)
