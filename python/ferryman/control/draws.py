"""Inputs of many kinds: what decides a branch may be a sign, a size, a sum, a flag or a count.

    known = [example]
    for leaves in draws(known, seed=0): …       # what is found may be appended to `known`

First all inputs are of one kind (the negative, one number everywhere), then each is of its own, or
all but one are those of inputs that are known: a branch inside of another needs what leads there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import torch

_MIXED = 40
_NUMBERS = (0.0, 1.0, -1.0, 0.1, -0.1, 10.0, -10.0, 1000.0, -1000.0)
_SCALES = (0.0, 0.01, 0.1, 1.0, 3.0, 10.0, 100.0)
_COUNTS = (0, 1, 2, 3, 5, 8, -1)

Draw = Callable[[torch.Tensor], torch.Tensor]


def draws(known: list[list[Any]], seed: int) -> Iterator[list[Any]]:
    example = known[0]
    yield _of_all(example, lambda tensor: -tensor)
    for number in _NUMBERS:
        yield _of_all(example, lambda tensor, number=number: torch.full_like(tensor, number))
    chance = random.Random(seed)
    for _ in range(_MIXED):
        base = chance.choice(known)
        tensors = [p for p, leaf in enumerate(base) if isinstance(leaf, torch.Tensor)]
        drawn = tensors if chance.random() < 0.5 else [chance.choice(tensors)] if tensors else []
        yield [_mixed(leaf, chance) if p in drawn else leaf for p, leaf in enumerate(base)]


def _of_all(example: list[Any], draw: Draw) -> list[Any]:
    """Integers may be places, so of these only other numbers of the example's kind."""
    return [
        draw(leaf.detach()) if isinstance(leaf, torch.Tensor) and leaf.is_floating_point() else leaf
        for leaf in example
    ]


def _mixed(example: torch.Tensor, chance: random.Random) -> torch.Tensor:
    example = example.detach()
    generator = torch.Generator().manual_seed(chance.randrange(1 << 30))
    if example.dtype is torch.bool:
        share = chance.choice((0.0, 0.5, 1.0))
        return torch.rand(example.shape, generator=generator) < share
    if example.is_floating_point():
        noise = torch.randn(example.shape, generator=generator) * chance.choice(_SCALES)
        return (noise + chance.choice(_NUMBERS)).to(example.dtype)
    if example.is_complex() or example.numel() == 0:
        return example
    return _other_integers(example, chance, generator)


def _other_integers(example: torch.Tensor, chance: random.Random, generator) -> torch.Tensor:
    low, high = int(example.min()), int(example.max())
    if low == high:  # a count, perhaps, of which the example says no range
        counts = [*_COUNTS, *_COUNTS, low + 1, 2 * low, 100]
        least = torch.iinfo(example.dtype).min
        return torch.full_like(example, chance.choice([n for n in counts if n >= least]))
    if chance.random() < 0.3:
        return torch.full_like(example, chance.choice((low, high)))
    drawn = torch.randint(low, high + 1, example.shape, generator=generator, dtype=torch.int64)
    return drawn.to(example.dtype)
