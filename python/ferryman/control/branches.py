"""An if over a tensor, as torch.cond.

    choose(x.sum() > 0, then, otherwise, state)

Both ways are traced to see what they need and leave; of that the graphs of the condition are made.
A way that raises is left out: a file cannot raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .bodies import Traced, is_container, is_same, place_of_raise, storage, trace
from .graphs import Slot, call, close
from .merging import Kept, Slots, Template
from .opened import opened
from .record import remark
from .state import State

Way = Callable[[], None]


def choose(predicate: torch.Tensor, then: Way, otherwise: Way, state: State) -> None:
    if state.effect:
        raise state.refuse(state.effect)
    kept = state.get()
    before = pytree.tree_map(opened, kept)
    traced = [trace(way, state, before) for way in (then, otherwise)]
    state.put(kept)
    if any(way.raised for way in traced):
        _without_raise(traced, (then, otherwise))
        return
    written = written_by(traced, before, state)
    slots = Slots(state.refuse)
    templates = _templates(state, before, traced, slots)
    remark(state.kind, state.file, state.line)
    results: tuple[torch.Tensor, ...] = ()
    if slots.slots or written:
        results = _cond(predicate, state, before, traced, written, slots, templates)
    for tensor, new in zip(written, results[len(slots.slots) :]):
        tensor.copy_(new)
    state.put(_after(state, kept, templates, slots, results))


def _without_raise(traced: list[Traced], ways: tuple[Way, Way]) -> None:
    raising = [way.raised for way in traced if way.raised]
    if len(raising) == 2:
        raise raising[0]
    remark("raise", *place_of_raise(raising[0]))
    ways[traced[0].raised is not None]()


def written_by(traced: list[Traced], before: list[Any], state: State) -> list[torch.Tensor]:
    """The tensors of outside that are written in place: each has to be known by its name only."""
    written = {id(t): t for way in traced for t in way.written}
    named = {id(leaf) for leaf in pytree.tree_leaves(before)}
    around = {id(t): t for way in traced for t in way.used}
    for key, tensor in written.items():
        others = [
            t for other, t in around.items() if other != key and storage(t) == storage(tensor)
        ]
        if key not in named or others:
            raise state.refuse("it writes in place to a tensor that has other names, or none")
    return list(written.values())


def _templates(state: State, before, traced: list[Traced], slots: Slots) -> dict[int, Template]:
    """By the position of the variable."""
    then, otherwise = (way.values for way in traced)
    found = {}
    for position, (name, old) in enumerate(zip(state.names, before)):
        one, other = then[position], otherwise[position]
        is_changed = is_container(old) and not (is_same(old, one) and is_same(old, other))
        if name in state.outputs or is_changed:
            found[position] = slots.merge(_described(name), one, other)
    return found


def _described(name: str) -> str:
    return {"_value": "what it returns", "value": "its value"}.get(name, repr(name))


def _operands(before, traced: list[Traced], templates: dict[int, Template]) -> list[torch.Tensor]:
    """What the ways use, and what one of them leaves as it was where the other does not."""
    found = {id(t): t for way in traced for t in way.used}
    for position, template in templates.items():
        if not isinstance(template, Kept):
            known = {id(leaf) for leaf in pytree.tree_leaves(before[position])}
            for way in traced:
                leaves = pytree.tree_leaves(way.values[position])
                kept = [t for t in leaves if isinstance(t, torch.Tensor) and id(t) in known]
                found |= {id(t): t for t in kept}
    return list(found.values())


def _cond(predicate, state, before, traced, written, slots: Slots, templates) -> tuple:
    operands = _operands(before, traced, templates)
    graphs = []
    for way in traced:
        filled: dict[int, Any] = {}
        for position, template in templates.items():
            filled |= slots.fill(template, way.values[position])
        results = [(slot, filled[position]) for position, slot in enumerate(slots.slots)]
        graphs.append(close(way, operands, results, written, state))
    names = dict(zip(("true_graph", "false_graph"), graphs))
    outputs = [*slots.slots, *map(slot_like, written)]
    return call(torch.ops.higher_order.cond, (predicate,), names, (tuple(operands),), outputs)


def slot_like(tensor: torch.Tensor) -> Slot:
    return Slot(tensor.dtype, tuple(tensor.shape), tensor.stride())


def _after(
    state: State, before, templates: dict[int, Template], slots: Slots, results
) -> list[Any]:
    values = list(before)
    for position, template in templates.items():
        value = slots.rebuild(template, results)
        if state.names[position] not in state.outputs and not isinstance(template, Kept):
            value = put_into(before[position], value)
        values[position] = value
    return values


def put_into(container: list | dict, new: list | dict) -> list | dict:
    """It has been changed, not exchanged: whoever else knows it sees that."""
    if isinstance(container, dict):
        container.clear()
        container.update(new)
    else:
        container[:] = new
    return container
