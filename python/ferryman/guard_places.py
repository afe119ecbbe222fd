"""Where in the user's code torch asked for a size: only looked for where it has fixed one.

places = watched_places(export)            # captures once more, under watch
places["L['x'].size()[0]"]                 # [Place("Eq(s77, 4)", "Net.forward (model.py:12)")]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from .frozen import frames
from .reach import is_foreign


@dataclasses.dataclass(frozen=True)
class Place:
    condition: str  # as torch has it
    line: str

    @property
    def fixes(self) -> bool:
        return self.condition.startswith("Eq(")


def watched_places(run: Callable[[], Any]) -> dict[str, list[Place]]:
    """By the size that is asked for, as torch's guards call it. Empty where torch takes no shape
    environment from outside."""
    try:
        environment = _Watching(tracked_fakes=[], trace_asserts=True)
        mode = FakeTensorMode(shape_env=environment, allow_non_fake_inputs=True, export=True)
        # torch.export takes the fake mode of a trace that goes on for its own.
        with torch._guards.tracing(torch._guards.TracingContext(mode)):
            run()
    except Exception:  # what is to be told was found without
        pass
    return environment.places


class _Watching(ShapeEnv):
    def __init__(self, **options: Any):
        self.places: dict[str, list[Place]] = {}
        super().__init__(**options)

    def evaluate_expr(self, orig_expr, *args, **kwargs):
        before = len(self.guards)
        result = super().evaluate_expr(orig_expr, *args, **kwargs)
        for guard in self.guards[before:]:
            place = _users_place()
            for symbol in guard.expr.free_symbols if place else ():
                for source in self._sources(symbol):
                    self.places.setdefault(source, []).append(Place(str(guard.expr), place))
        return result

    def _sources(self, symbol: Any) -> list[str]:
        names = [source.name for source in getattr(self, "var_to_sources", {}).get(symbol, ())]
        return [name() if callable(name) else name for name in names]  # as torch's releases have it


def _users_place() -> str:
    for frame in frames():
        if not is_foreign(frame.f_globals.get("__name__")):
            code = frame.f_code
            name = getattr(code, "co_qualname", code.co_name)
            return f"{name} ({code.co_filename}:{frame.f_lineno})"
    return ""
