"""Whether a module is a function of its inputs (and buffers): a converted file is nothing else.

    require_function(module, args, kwargs)      # CaptureError that names what it remembers or draws

The module runs three times: on the example; on other inputs; and, put back to what it was, on those
other inputs again. The last two results are the same unless something was carried over from the
first run or came from outside: clocks go on, and the generators of Python and numpy are not put
back in between (those of torch are: its random operators are known to the core). Values that were
carried over and made no difference are then disturbed, and numbers that were drawn are drawn again,
as low and as high as may be: caches, and counters that nobody reads, do no harm.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from .drawing import random_like
from .errors import CaptureError
from .frozen import tell
from .outside import Listener, generators_drawn, random_states, seed_extremes
from .places import line_of
from .reach import Elements, Sequence
from .restore import Slot, State, left_unchanged, name_of
from .trial import Failure, Runner
from .values import copied, difference, disturbed, same

# Divisible by most periods and above most thresholds that a counter is compared with; and one less.
_COUNTS = (5_040_000, 5_039_999)
_SHOWN = 4


def require_function(
    module: nn.Module, args: tuple, kwargs: dict[str, Any]
) -> set[tuple[str, str]]:
    """Raises CaptureError; returns the file and name of each function of the user's that ran. The
    module is left as it was. One that does not run on its example passes: that is for capture to
    say."""
    with left_unchanged(module) as state, _silence():
        trial = _Trial(module, state, args, kwargs)
        trial.run()
    if trial.frozen_clock:  # the user's warnings are heard again
        tell(trial.frozen_clock)
    return trial.functions


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What the model prints and warns of is told once, where it is captured."""
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


@dataclasses.dataclass
class _Carried:
    """The changed values after a run that others went before, and which of them still move."""

    values: dict[Slot, Any]
    moving: set[Slot]


class _Trial:
    def __init__(self, module: nn.Module, state: State, args: tuple, kwargs: dict[str, Any]):
        self._module, self._state = module, state
        self._runner = Runner(module, state)
        self._example = (args, kwargs)
        self._heard = Listener()
        self._chance = random_states()
        self.frozen_clock = ""

    @property
    def functions(self) -> set[tuple[str, str]]:
        return self._heard.functions

    def run(self) -> None:
        with self._heard:
            first = self._runner(self._example)
        if isinstance(first, Failure):
            return
        inputs = self._draw()
        second, carried = self._again(inputs)
        if isinstance(second, Failure):  # perhaps no inputs for this module
            inputs = self._example
            self._state.restore(chance=False)
            self._runner(inputs)
            second, carried = self._again(inputs)
        numbers = self._runner.numbers
        self._state.restore(chance=False)
        fresh = self._runner(inputs)
        found = difference(fresh, second)
        if found is not None:
            raise self._refusal(found, carried.moving or carried.values)
        self._require_no_outside(inputs, fresh, numbers)
        self._require_no_history(inputs, fresh, carried)

    def _draw(self):
        generator = torch.Generator().manual_seed(0)
        return pytree.tree_map_only(
            torch.Tensor, lambda x: random_like(x, generator), self._example
        )

    def _again(self, inputs) -> tuple[Any, _Carried]:
        """Runs a module that has run before."""
        before = {slot: (value, copied(value)) for slot, value in self._state.changes().items()}
        result = self._runner(inputs)
        now = self._state.changes()
        values = {slot: copied(value) for slot, value in now.items()}
        moving = {slot for slot in before.keys() ^ now.keys()}
        for slot in before.keys() & now.keys():
            is_tensor = isinstance(now[slot], torch.Tensor)
            if is_tensor and before[slot][0] is not now[slot]:
                moving.add(slot)
            elif not same(before[slot][1], values[slot]):
                moving.add(slot)
        return result, _Carried(values, moving)

    # Numbers from outside --------------------------------------------------------------------

    def _require_no_outside(self, inputs, fresh: Any, numbers: list[Any]) -> None:
        if generators_drawn(self._chance) or self._state.drawn():
            for end in (0, 1):
                self._state.restore(chance=False)
                seed_extremes(end)
                found = difference(fresh, self._runner(inputs))
                if found is not None:
                    raise self._refusal(found, ())
            self._state.restore(chance=False)
            self._runner(inputs)
        if not self._heard.clocks:
            return
        if numbers != self._runner.numbers:
            raise self._refusal("other numbers to compute with", {})
        places = ", ".join(f"{name} at {place}" for name, place in self._heard.clocks.items())
        self.frozen_clock = (
            f"{name_of(self._module)} reads the clock ({places}); where its result depends on "
            "that, it is frozen at the time of the conversion"
        )

    # Values carried over ---------------------------------------------------------------------

    def _require_no_history(self, inputs, fresh: Any, carried: _Carried) -> None:
        """Values that are others after an earlier run: does anything look at them?"""
        now = self._state.changes()
        history = [
            slot
            for slot in now.keys() | carried.values.keys()
            if not (
                slot in now
                and slot in carried.values
                and same(carried.values[slot], copied(now[slot]))
            )
        ]
        if not history:
            return
        suspects = carried.moving | set(history)
        for number in _COUNTS:
            for slot in suspects:
                _disturb(slot, number)
            found = difference(fresh, self._runner(inputs))
            if found is not None:
                raise self._refusal(found, history)

    # What to say -----------------------------------------------------------------------------

    def _refusal(self, found: str, changed: Iterable[Slot]) -> CaptureError:
        heard = self._heard.chances | self._heard.clocks
        sources = [f"{name} at {place}" for name, place in heard.items()]
        sources += [f"the generator `{holder.path}`" for holder in self._state.drawn()]
        sources = sources or generators_drawn(self._chance)
        slots = _outermost(changed)
        reasons, where = [], ""
        if sources:
            reasons.append("it takes numbers from outside torch: " + ", ".join(sources))
            where = next(iter(heard.values()), "")
        if slots:
            where = where or line_of(slots[0].origin)
            more = f" and {len(slots) - _SHOWN} more" if len(slots) > _SHOWN else ""
            names = ", ".join(f"`{slot.name}`" for slot in slots[:_SHOWN]) + more
            reasons.append(
                f"it keeps state from call to call in {names}, which a converted model does not "
                "have"
            )
        if not reasons:
            reasons.append(
                "what it remembers is not in its attributes, its classes, or the globals and "
                "closures of its functions"
            )
        return CaptureError(
            f"{name_of(self._module)} is not a function of its inputs: called once more with equal "
            f"inputs, it gave {found}",
            where=where,
            why="; ".join(reasons),
            hint=_hint(slots, bool(sources)),
        )


def _hint(slots: list[Slot], from_outside: bool) -> str:
    if slots or not from_outside:
        name = slots[0].name.rpartition(".")[2] if slots else "state"
        name = name if name.isidentifier() else "state"
        return (
            f"pass the state in as an argument and return its new value, or keep it in a buffer: "
            f'self.register_buffer("{name}", …), self.{name}.copy_(…)'
        )
    return "take such numbers outside of the model, and pass them in as an argument"


def _outermost(changed: Iterable[Slot]) -> list[Slot]:
    """One slot of each container, the shortest names first."""
    by_place: dict[Any, Slot] = {}
    for slot in sorted(changed, key=lambda slot: (len(slot.name), slot.name)):
        is_item = isinstance(slot.holder, (Sequence, Elements))
        by_place.setdefault(slot.holder if is_item else slot, _whole(slot) if is_item else slot)
    return list(by_place.values())


def _whole(slot: Slot) -> Slot:
    return dataclasses.replace(slot, name=slot.holder.path)


def _disturb(slot: Slot, number: int) -> None:
    holder = slot.holder
    if isinstance(slot.key, tuple) and isinstance(getattr(holder, "owner", None), torch.Tensor):
        holder.owner.data.copy_(disturbed(holder.owner, number))
        return
    now = holder.read()
    if isinstance(holder, Sequence):  # one moves up into the place of another
        holder.write({key: disturbed(value, number) for key, value in now.items()})
    elif slot.key in now and not isinstance(holder, Elements):
        holder.write(now | {slot.key: disturbed(now[slot.key], number)})
