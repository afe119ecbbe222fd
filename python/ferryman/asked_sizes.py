"""The sizes that a user asked for, in numbers: those of the example, and others to capture with.

    numbers = numbers_of(asked)                 # {"batch": 1}; InputError if axes contradict
    for numbers in to_capture(asked, numbers):  # {"batch": 2}, …
        args, kwargs = resized(args, kwargs, extents(asked, numbers))

torch.export takes an example of size 1 for a size that is 1 always, and a model that compares two
sizes is captured for the answer of the example: so it gets sizes that are greater than 1, and of
different names different ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from .dynamic_shapes import Asked, FreeAxis, Range, problems_error
from .size_expressions import evaluate, names_in
from .sizes import solved

_FACTORS = (1, 2, 3, 4, 5, 6, 7)
_SMALL = (2, 3, 5, 7, 11, 13, 17, 19)  # in the place of 1


def numbers_of(asked: Asked) -> dict[str, int]:
    """Of the example; what is said of each name must agree."""
    known: dict[str, tuple[int, FreeAxis]] = {}
    problems = []
    for axis in sorted(asked.axes, key=lambda axis: not is_plain(axis)):
        if not axis.size:
            continue
        numbers = {name: number for name, (number, _) in known.items()}
        missing = names_in(axis.size) - known.keys()
        if len(missing) == 1:
            (name,) = missing
            number = solved(axis.size, name, axis.extent, numbers)
            if number is None:
                problems.append(f"{axis} is {axis.extent} in the example, which no '{name}' makes")
            else:
                known[name] = (number, axis)
        elif missing:
            names = ", ".join(f"'{name}'" for name in sorted(missing))
            problems.append(f"{axis}: {names} should be the size of an axis by themselves")
        elif evaluate(axis.size, numbers) != axis.extent:
            problems.append(_contradiction(axis, known))
    for name, (number, axis) in known.items():
        if not asked.names[name].has(number):
            problems.append(f"{axis} is {number} in the example, outside of {asked.names[name]}")
    if problems:
        raise problems_error(problems, "dynamic_shapes does not fit the example")
    return {name: number for name, (number, _) in known.items()}


def is_plain(axis: FreeAxis) -> bool:
    """Whether its size is a name."""
    return axis.size.isidentifier()


def _contradiction(axis: FreeAxis, known: Mapping[str, tuple[int, FreeAxis]]) -> str:
    names = sorted(names_in(axis.size))
    others = ", and ".join(
        f"'{name}' is {known[name][0]} along axis {known[name][1].axis} of '{known[name][1].input}'"
        for name in names
    )
    return (
        f"the size of {axis} is {axis.extent} in the example, but {others}"
        if is_plain(axis)
        else f"the size of {axis} is {axis.extent} in the example, and not what {axis.size} makes: "
        + others
    )


# To capture with -----------------------------------------------------------------------------


def to_capture(asked: Asked, numbers: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """The likeliest to succeed first: multiples keep what has to be divisible; where they are too
    much for the model, smaller ones; at last those of the example, if they are greater than 1."""
    seen = []
    for prefer in (_larger, _smaller):
        chosen = _chosen(asked, numbers, prefer)
        if chosen is not None and chosen not in seen:
            seen.append(chosen)
            yield chosen
    if min(numbers.values(), default=2) > 1 and dict(numbers) not in seen:
        yield dict(numbers)


def _chosen(asked: Asked, numbers: Mapping[str, int], prefer) -> dict[str, int] | None:
    chosen: dict[str, int] = {}
    # Sizes of the example stay with the names that have them alone.
    for name, number in sorted(numbers.items(), key=lambda item: item[1] == 1):
        given = asked.names.get(name, Range())
        free = [n for n in prefer(number) if n > 1 and given.has(n) and n not in chosen.values()]
        if not free:
            return None
        chosen[name] = free[0]
    return {name: chosen[name] for name in numbers}


def _larger(number: int) -> list[int]:
    if number == 1:
        return list(_SMALL)
    return [*(number * factor for factor in _FACTORS), *_smaller(number)]


def _smaller(number: int) -> list[int]:
    halves = [number // 2, number // 4] if number % 4 == 0 else []
    return [number, *halves, *range(number - 1, max(1, number - 9), -1), *_SMALL]


def extents(asked: Asked, numbers: Mapping[str, int]) -> dict[str, dict[int, int]]:
    """By input and axis. An axis without a name keeps its size, but for 1."""
    found: dict[str, dict[int, int]] = {}
    for axis in asked.axes:
        size = evaluate(axis.size, numbers) if axis.size else max(2, axis.extent)
        found.setdefault(axis.input, {})[axis.axis] = size
    return found


def resized(tensor: torch.Tensor, extents: Mapping[int, int]) -> torch.Tensor:
    """Its values again and again along these axes, in the memory order that it has."""
    if all(tensor.shape[axis] == extent for axis, extent in extents.items()):
        return tensor
    with torch.no_grad():
        order = sorted(range(tensor.dim()), key=lambda axis: -tensor.stride(axis))
        found = tensor.detach().permute(order)
        for axis, extent in extents.items():
            place, index = order.index(axis), torch.arange(extent, device=tensor.device)
            found = found.index_select(place, index % tensor.shape[axis])
        found = found.contiguous().permute([order.index(axis) for axis in range(tensor.dim())])
    return found.requires_grad_(tensor.requires_grad)


def all_resized(leaves: list[Any], names: list[str], wanted: Mapping[str, Mapping[int, int]]):
    """The leaves, by their names, with these extents."""
    return [
        resized(leaf, wanted[name]) if name in wanted and isinstance(leaf, torch.Tensor) else leaf
        for name, leaf in zip(names, leaves)
    ]
