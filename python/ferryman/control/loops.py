"""A loop over a tensor's truth or number, as torch.while_loop.

    repeat(test, body, state)
    count(Numbers(n), body, running, state)     # for i in range(int(n))

The body is traced until it is known which variables change from round to round: these are carried,
as tensors; whatever stays the same is read from outside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .bodies import Traced, is_same, trace, trace_value
from .branches import written_by
from .carried import Carried
from .graphs import call, close, close_test, without_last
from .opened import as_predicate, as_tensor, is_open, opened
from .record import remark, tentative
from .state import State, cell

_MAX_ROUNDS = 16  # of tracing: each makes one kind of value more a tensor


@dataclasses.dataclass(frozen=True, init=False)
class Numbers:
    """A range of which a bound is a tensor."""

    start: Any
    stop: Any
    step: Any

    def __init__(self, *bounds: Any):
        start, stop, step = {1: (0, *bounds, 1), 2: (*bounds, 1), 3: bounds}[len(bounds)]
        for name, value in (("start", start), ("stop", stop), ("step", step)):
            object.__setattr__(self, name, value)


def count(
    numbers: Numbers, body: Callable[[Any], None], running: Callable[[], Any], state: State
) -> None:
    if is_open(numbers.step):
        raise state.refuse("the step of its range is a tensor")
    counter = cell(as_tensor(numbers.start, torch.int64) if not is_open(numbers.start)
                   else numbers.start.to(torch.int64))  # fmt: skip

    def test() -> torch.Tensor:
        now = counter.get()
        within = now < numbers.stop if numbers.step > 0 else now > numbers.stop
        goes_on = running()
        return torch.logical_and(within, as_predicate(goes_on)) if is_open(goes_on) else within

    def round_of_it() -> None:
        item = counter.get()
        body(item)
        counter.set(item + numbers.step)

    repeat(test, round_of_it, state.with_cell(counter, "the number of its rounds"))


def repeat(test: Callable[[], torch.Tensor], body: Callable[[], None], state: State) -> None:
    if state.effect:
        raise state.refuse(state.effect)
    carried = Carried(state, pytree.tree_map(opened, state.get()))

    def one_round() -> None:
        test()
        body()

    for _ in range(_MAX_ROUNDS):
        with tentative(True):
            traced = trace(one_round, state, carried.values)
        if traced.raised:
            raise state.refuse("its body raises")
        written = written_by([traced], carried.values, state)
        if not carried.widen(traced.values, written):
            break
    else:
        raise state.refuse("what it carries from round to round does not settle")
    remark(state.kind, state.file, state.line)
    _loop(test, state, carried, traced)
    if _binds(test, state):
        test()


def _loop(test, state: State, carried: Carried, traced: Traced) -> None:
    initial = carried.tensors()
    if not initial:
        raise state.refuse("nothing that its condition reads changes from round to round")
    asked = trace_value(test, state, carried.values)
    own = {id(tensor) for tensor in initial}
    others = {id(t): t for way in (traced, asked) for t in way.used if id(t) not in own}
    operands = [*initial, *others.values()]
    slots = carried.slots()
    written = [tensor for tensor in initial if any(tensor is t for t in traced.written)]
    body = close(traced, operands, [*zip(slots, carried.results_of(traced.values))], written, state)
    body = without_last(body, len(written))
    graphs = {
        "while_loop_cond_graph": close_test(asked, operands, state),
        "while_loop_body_graph": body,
    }
    arguments = (initial, tuple(others.values()))
    results = call(torch.ops.higher_order.while_loop, (), graphs, arguments, slots)
    state.put(carried.after(results))


def _binds(test: Callable[[], Any], state: State) -> bool:
    """Whether the test binds names, of which those of its last call count."""
    before = state.get()
    after = trace(test, state, before).values
    is_bound = not all(map(is_same, before, after))
    state.put(before)
    return is_bound
