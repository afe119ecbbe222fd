"""What rewritten functions call: each question is Python's own, until a tensor's value is unknown.

    runtime.choose(x.sum() > 0, then, otherwise, state)

Where nothing is captured no tensor is open, so a rewritten function does what it did.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from typing import Any

import torch

from . import branches, loops
from .indices import item_of, set_item, update_item
from .opened import as_predicate, as_tensor, is_open, number_of, opened, promoted
from .record import remark
from .state import UNBOUND, State, cell

__all__ = [
    "UNBOUND",
    "State",
    "apply",
    "both",
    "choose",
    "compare",
    "each",
    "either",
    "item",
    "item_of",
    "negate",
    "number",
    "numbers",
    "repeat",
    "require",
    "select",
    "set_item",
    "slice",
    "update_item",
    "values_of",
]

slice = builtins.slice  # under a name that no model has for something else


def values_of(*variables: Callable[[], Any]) -> list[Any]:
    """Of the variables that are bound."""
    values = []
    for variable in variables:
        try:
            values.append(variable())
        except NameError:
            values.append(UNBOUND)
    return values


# Statements --------------------------------------------------------------------------------------


def choose(test: Any, then: Callable[[], None], otherwise: Callable[[], None], state: State):
    test = opened(test)
    if is_open(test):
        branches.choose(as_predicate(test), then, otherwise, state)
    elif test:
        then()
    else:
        otherwise()


def repeat(test: Callable[[], Any], body: Callable[[], None], state: State) -> None:
    while True:
        asked = opened(test())
        if is_open(asked):
            loops.repeat(lambda: as_predicate(opened(test())), body, state)
            return
        if not asked:
            return
        body()


def each(
    items: Iterable[Any], body: Callable[[Any], None], running: Callable[[], Any], state: State
) -> None:
    """A for loop. Of its `range` a bound may be open, or whether it goes on."""
    if isinstance(items, loops.Numbers):
        loops.count(items, body, lambda: opened(running()), state)
        return
    for item in items:
        goes_on = opened(running())
        if is_open(goes_on):
            branches.choose(as_predicate(goes_on), lambda item=item: body(item), _nothing, state)
        elif goes_on:
            body(item)
        else:
            break


def _nothing() -> None:
    pass


def numbers(function: Any, *bounds: Any) -> Any:
    """`range(…)`, also of tensors."""
    if function is range and any(map(is_open, map(opened, bounds))):
        return loops.Numbers(*map(opened, bounds))
    return function(*bounds)


def require(test: Any, message: Callable[[], Any], file: str, line: int) -> None:
    """An assert. A file cannot raise."""
    test = opened(test)
    if is_open(test):
        remark("assert", file, line)
    elif not test:
        said = message()
        raise AssertionError(*(() if said is None else (said,)))


# Expressions -------------------------------------------------------------------------------------


def negate(value: Any) -> Any:
    value = opened(value)
    return as_predicate(value).logical_not() if is_open(value) else not value


def both(first: Any, second: Callable[[], Any], is_test: bool, may_fail: bool, file, line) -> Any:
    """`first and second`."""
    first = opened(first)
    if not is_open(first):
        return second() if first else first
    if may_fail and is_test:
        return select(first, lambda: as_predicate(opened(second())), lambda: False, file, line)
    if may_fail:
        return select(first, second, lambda: first, file, line)
    return _joined(torch.logical_and, first, second(), is_test, (file, line))


def either(first: Any, second: Callable[[], Any], is_test: bool, may_fail: bool, file, line) -> Any:
    """`first or second`."""
    first = opened(first)
    if not is_open(first):
        return first if first else second()
    if may_fail and is_test:
        return select(first, lambda: True, lambda: as_predicate(opened(second())), file, line)
    if may_fail:
        return select(first, lambda: first, second, file, line)
    return _joined(torch.logical_or, first, second(), is_test, (file, line))


def _joined(operation, first: Any, second: Any, is_test: bool, place: tuple[str, int]) -> Any:
    second = opened(second)
    if is_test or (_is_bool(first) and _is_bool(second)):
        return operation(as_predicate(first), as_predicate(second))
    is_and = operation is torch.logical_and
    ways = (lambda: second, lambda: first) if is_and else (lambda: first, lambda: second)
    return select(first, *ways, *place)


def _is_bool(value: Any) -> bool:
    is_tensor = isinstance(value, torch.Tensor)
    return value.dtype is torch.bool and value.dim() == 0 if is_tensor else type(value) is bool


def select(test: Any, then: Callable, otherwise: Callable, file: str, line: int) -> Any:
    """`then if test else otherwise`."""
    test = opened(test)
    if not is_open(test):
        return then() if test else otherwise()
    value = cell(UNBOUND)
    state = value.state("if", "value", file, line)
    branches.choose(
        as_predicate(test), lambda: value.set(then()), lambda: value.set(otherwise()), state
    )
    return value.get()


def compare(left: Any, *pairs: tuple[Callable[[Any, Any], Any], Callable[[], Any]]) -> Any:
    """`a < b < c`."""
    result: Any = True
    for operation, operand in pairs:
        right = operand()
        asked = opened(operation(left, right))
        if is_open(asked) or is_open(result):
            result = torch.logical_and(as_predicate(result), as_predicate(asked))
        elif not asked:
            return asked
        else:
            result = asked
        left = right
    return result


def number(function: Any, value: Any, counts_only: bool) -> Any:
    """int(value), float(value), bool(value). counts_only: a tensor may stand for the number."""
    if not is_open(value) or function not in (int, float, bool) or type(value) is torch.SymBool:
        return function(value)
    return number_of(function, value, counts_only)


def item(value: Any) -> Any:
    """value.item(), for which the tensor stands."""
    return value.reshape(()) if isinstance(value, torch.Tensor) and is_open(value) else value.item()


def apply(function: Any, *arguments: Any) -> Any:
    """min, max and abs of numbers that may be tensors."""
    if len(arguments) > 1 and any(is_open(argument) for argument in arguments):
        pairwise = {min: torch.minimum, max: torch.maximum}.get(function)
        if pairwise is not None and all(map(_is_number, arguments)):
            return _folded(pairwise, arguments)
    return function(*arguments)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, torch.Tensor) and value.dim() == 0)


def _folded(pairwise: Callable, arguments: tuple) -> torch.Tensor:
    tensor = next(a for a in arguments if isinstance(a, torch.Tensor))
    given = [
        a if isinstance(a, torch.Tensor) else as_tensor(a, promoted(tensor.dtype, type(a)))
        for a in arguments
    ]
    result = given[0]
    for other in given[1:]:
        result = pairwise(result, other)
    return result
