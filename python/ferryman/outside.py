"""Numbers that a run takes from outside torch: clocks, and generators of Python and numpy.

    with Listener() as heard:
        module(x)
    heard.clocks                   # {"time.time": "model.py:12"}
    heard.chances                  # {"random.random": "model.py:14", "os.urandom": …}
    heard.functions                # {("model.py", "forward"), …}: all of the user's that ran

Python tells a profiler which functions are called; nothing is replaced. Where a profiler
runs already, nothing is heard.
"""

from __future__ import annotations

import random
import sys
from types import CodeType, FrameType
from typing import Any

import torch

from .reach import is_foreign

_CLOCKS = frozenset(
    "time time_ns perf_counter perf_counter_ns monotonic monotonic_ns process_time process_time_ns "
    "thread_time thread_time_ns clock_gettime clock_gettime_ns localtime gmtime ctime asctime "
    "now utcnow today".split()
)
_CLOCK_MODULES = frozenset({"time", "datetime"})
_ENTROPY = frozenset({"urandom", "getrandom", "generate_time_safe"})
_ENTROPY_MODULES = frozenset({"os", "_uuid"})
# What these call themselves is asked for by their caller.
_GO_BETWEENS = frozenset({"random", "secrets", "uuid", "datetime", "numpy", "os", "_strptime"})


class Listener:
    def __init__(self):
        self.clocks: dict[str, str] = {}
        self.chances: dict[str, str] = {}
        self.functions: set[tuple[str, str]] = set()
        self._seen: set[CodeType] = set()

    def __enter__(self) -> Listener:
        self._listens = sys.getprofile() is None
        if self._listens:
            sys.setprofile(self._hear)
        return self

    def __exit__(self, *_: Any) -> None:
        if self._listens:
            sys.setprofile(None)

    def _hear(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            self._note(frame)
        if event != "c_call":
            return
        kind = self._kind(called)
        if kind is None:
            return
        name = f"{_home(called)}.{called.__name__}"
        while frame is not None and _root(frame) in _GO_BETWEENS:
            name = f"{_root(frame)}.{frame.f_code.co_name}"
            frame = frame.f_back
        if frame is not None and not is_foreign(frame.f_globals.get("__name__")):
            kind.setdefault(name, f"{frame.f_code.co_filename}:{frame.f_lineno}")

    def _note(self, frame: FrameType) -> None:
        code = frame.f_code
        if code not in self._seen:
            self._seen.add(code)
            if not is_foreign(frame.f_globals.get("__name__")):
                self.functions.add((code.co_filename, code.co_name))

    def _kind(self, called: Any) -> dict[str, str] | None:
        name, home = getattr(called, "__name__", ""), _home(called)
        if name in _CLOCKS and home in _CLOCK_MODULES:
            return self.clocks
        if name in _ENTROPY and home in _ENTROPY_MODULES:
            return self.chances
        if isinstance(getattr(called, "__self__", None), random.Random):
            return self.chances
        return None


def _home(called: Any) -> str:
    """The module of a builtin function, or of the class whose method it is."""
    owner = getattr(called, "__self__", None)
    if isinstance(owner, random.Random):
        return "random"
    if isinstance(owner, type):
        return owner.__module__.partition(".")[0]
    home = (getattr(called, "__module__", None) or "").partition(".")[0]
    return "os" if home in ("posix", "nt") else home


def _root(frame: FrameType) -> str:
    return (frame.f_globals.get("__name__") or "").partition(".")[0]


# Draws that go to an end -------------------------------------------------------------------------

# The first three draws after these seeds are below 0.05, and above 0.95.
_PYTHON_SEEDS = (8916, 12024)
_NUMPY_SEEDS = (7142, 27421)


def seed_extremes(end: int) -> None:
    """The next draws of Python's and numpy's own generators are all low (0) or all high (1), so
    that a branch with `random.random() < p` is taken both ways."""
    random.seed(_PYTHON_SEEDS[end])
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed(_NUMPY_SEEDS[end])


def generators_drawn(before: dict[str, Any]) -> list[str]:
    """Which of the two were drawn from since `random_states()` gave `before`."""
    now = random_states()
    names = {"python": "Python's random", "numpy": "numpy.random"}
    return [
        text
        for name, text in names.items()
        if before[name] is not None and not equal_states(before[name], now[name])
    ]


def random_states() -> dict[str, Any]:
    """Of the generators that belong to everybody."""
    states: dict[str, Any] = {"cpu": torch.get_rng_state(), "python": random.getstate()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states["cuda"] = torch.cuda.get_rng_state_all()
    numpy = sys.modules.get("numpy.random")
    states["numpy"] = None if numpy is None else numpy.get_state()
    return states


def set_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["cpu"])
    random.setstate(states["python"])
    if "cuda" in states:
        torch.cuda.set_rng_state_all(states["cuda"])
    if states["numpy"] is not None:
        sys.modules["numpy.random"].set_state(states["numpy"])


def equal_states(before: Any, after: Any) -> bool:
    """Of generators: nested tuples and dicts with arrays or tensors."""
    if isinstance(before, torch.Tensor):
        return torch.equal(before, after)
    if isinstance(before, dict):
        return all(equal_states(before[key], after.get(key)) for key in before)
    if isinstance(before, tuple):
        return all(map(equal_states, before, after))
    if hasattr(before, "tobytes"):
        return before.tobytes() == after.tobytes()
    return before == after
