"""Times the stages of a conversion, and tells on a terminal which one is running.

stages = Stages(visible=True)
with stages("export"):
    ...
stages.seconds        # {"export": 1.2}
"""

from __future__ import annotations

import contextlib
import time

from rich.console import Console


class Stages:
    def __init__(self, *, visible: bool):
        self.seconds: dict[str, float] = {}
        self._console = Console(stderr=True)
        self._visible = visible and self._console.is_terminal

    @contextlib.contextmanager
    def __call__(self, name: str):
        shown = self._console.status(f"{name} …") if self._visible else contextlib.nullcontext()
        start = time.perf_counter()
        with shown:
            yield
        self.seconds[name] = time.perf_counter() - start
