"""What an operator of TFLite gives for tensors that are not there: fake ones, of free sizes, too.

    results = infer([x, None], lambda described: results_of(code, described))

The core's rules count with numbers. So a free size is tried at several, and what a size of a result
does then is what it is: always the same, or a multiple of that size and a rest. A rule that makes
anything else of it needs a number, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..errors import InputError

# (dtype, shape) of each result: ("float32", (1, 8, 8, 3)).
Results = tuple[tuple[str, tuple[int, ...]], ...]
Rule = Callable[[str], Results]

# Far from the sizes of models and from each other, so that none is taken for another; each is
# tried at three multiples.
_FIRST_TRIAL = 5040
_TRIALS = (1, 2, 5)


def infer(operands: Sequence[torch.Tensor | None], rule: Rule) -> list[torch.Tensor]:
    """Tensors of the results' types, without values of meaning."""
    device = next((x.device for x in operands if x is not None), torch.device("cpu"))
    shapes = [None if x is None else list(x.shape) for x in operands]
    free = _free_sizes(shapes)
    dtypes = [None if x is None else str(x.dtype).removeprefix("torch.") for x in operands]

    def results_at(numbers: dict[Any, int]) -> Results:
        described = [
            None if dtype is None else {"dtype": dtype, "shape": [_at(n, numbers) for n in shape]}
            for dtype, shape in zip(dtypes, shapes)
        ]
        return rule(json.dumps(described))

    told = _in_free_sizes(free, results_at) if free else results_at({})
    return [torch.empty(shape, dtype=getattr(torch, dtype), device=device) for dtype, shape in told]


def _key(size: Any) -> Any:
    """Equal for sizes that are known to be equal."""
    return size.node.expr


def _free_sizes(shapes: Sequence[list | None]) -> dict[Any, torch.SymInt]:
    sizes = (size for shape in shapes if shape is not None for size in shape)
    return {_key(size): size for size in sizes if isinstance(size, torch.SymInt)}


def _at(size: Any, numbers: dict[Any, int]) -> int:
    return numbers[_key(size)] if isinstance(size, torch.SymInt) else int(size)


def _in_free_sizes(free: dict[Any, torch.SymInt], results_at: Callable[[dict], Results]):
    base = {key: _FIRST_TRIAL * (place + 7) for place, key in enumerate(free)}
    first = results_at(base)
    shapes = [list(shape) for _, shape in first]
    for key, size in free.items():
        trials = [results_at({**base, key: base[key] * factor}) for factor in _TRIALS]
        for number, shape in enumerate(shapes):
            for axis in range(len(shape)):
                extents = [_shape(trial, number)[axis] for trial in trials]
                times = _multiple(extents, base[key])
                if times == 0:
                    continue
                if times is None or type(shape[axis]) is not int:
                    raise _needs_number(size)
                rest = shape[axis] - times * base[key]
                shape[axis] = times * size + rest if rest or times != 1 else size
    return [(dtype, shape) for (dtype, _), shape in zip(first, shapes)]


def _shape(results: Results, number: int) -> tuple[int, ...]:
    return results[number][1]


def _multiple(extents: list[int], step: int) -> int | None:
    """How many times a size counts in an extent that was tried at _TRIALS times `step` of it; None
    if the extent is another thing."""
    grown = extents[1] - extents[0]
    if extents[2] - extents[0] != 4 * grown or grown % step != 0:
        return None
    return grown // step


def _needs_number(size: torch.SymInt) -> InputError:
    return InputError(
        f"what a TFLite operator makes of the free size {size} is no multiple of it",
        why="the operator's shape is worked out in numbers",
        hint="give this axis a fixed size: leave it out of dynamic_shapes",
    )
