"""Inputs of other sizes than the example's, to check a model with free sizes.

    for candidates in other_sizes(sizes): …         # [{"batch": 3, "length": 1}, …], …
    leaves = with_sizes(example, sizes, candidates[0], draw)

Of two draws at least each size is smaller in one and larger in another, as far as its range has
such numbers; the larger ones are modest, as inputs of twice the elements take twice the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from .asked_sizes import resized
from .sizes import Sizes

_GROWTH = 2.0  # of the elements, about
_WINDOW = 64  # numbers in a row that are tried: a size may have to be divisible
_VALUES = 2  # a floating input of no more different values is a mask


def other_sizes(sizes: Sizes) -> Iterator[list[dict[str, int]]]:
    """Two lists of candidates, of which the first that PyTorch takes is to be checked. The first
    list has the larger number of every other size and the smaller one of those between; the
    second list has it the other way round."""
    names = list(sizes.sizes)
    for turn in range(2 if names else 0):
        candidates: list[dict[str, int]] = []
        for share in (1.0, 0.5, 0.25, 0.0):
            numbers: dict[str, int] = {}
            for place, name in enumerate(names):
                is_larger = (place + turn) % 2 == 0
                numbers[name] = _number(sizes, name, is_larger, share, len(names))
            numbers = sizes.complete(numbers)
            candidates += [n for n in _fitting(sizes, numbers) if n != sizes.hints]
        yield list({tuple(n.items()): n for n in candidates}.values())


def _number(sizes: Sizes, name: str, is_larger: bool, share: float, count: int) -> int:
    """share: of the way from the example's number to the end of what is tried."""
    size = sizes.sizes[name]
    growing = (count + 1) // 2  # that many grow at once
    most = max(size.hint + 1, int(size.hint * _GROWTH ** (1 / growing)))
    most = most if size.max is None else min(most, size.max)
    if is_larger and most <= size.hint:
        is_larger = False
    if not is_larger and size.min >= size.hint:  # nothing is smaller
        most = size.hint + 2 if size.max is None else min(size.hint + 2, size.max)
        is_larger = True
    end = most if is_larger else size.min
    step = round(share * (end - size.hint))
    if step == 0 and end != size.hint:
        step = 1 if end > size.hint else -1
    return size.hint + step


def _fitting(sizes: Sizes, numbers: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """The sizes themselves, or the nearest ones that conditions of the model allow."""
    if sizes.fits(numbers):
        yield dict(numbers)
        return
    found = dict(numbers)
    for name in numbers:
        others = {**sizes.hints, name: 0}
        near = sorted(range(-_WINDOW, _WINDOW), key=lambda step: (abs(step), -step))
        for step in near:
            number = numbers[name] + step
            if number > 0 and sizes.fits({**others, name: number}):
                found[name] = number
                break
    if sizes.fits(found):
        yield found


def with_sizes(
    example: list[Any], sizes: Sizes, numbers: Mapping[str, int], draw: Any
) -> list[Any]:
    """draw: makes other values like those of a tensor (drawing.random_like). Whole numbers may be
    indices, and few different ones a mask: these keep their pattern."""
    shapes = sizes.shapes(numbers)
    leaves = []
    for place, leaf in enumerate(example):
        shape = shapes.get(place)
        if shape is None or not isinstance(leaf, torch.Tensor):
            leaves.append(leaf)
            continue
        tiled = resized(leaf, dict(enumerate(shape)))
        leaves.append(tiled if keeps_pattern(leaf) else draw(tiled))
    return leaves


def keeps_pattern(leaf: torch.Tensor) -> bool:
    if not (leaf.is_floating_point() or leaf.is_complex()):
        return True
    return leaf.numel() > _VALUES and leaf.detach().unique().numel() <= _VALUES
