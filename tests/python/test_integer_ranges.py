"""Whole numbers that fit into int32 are divided as such, with few operators that old runtimes have."""

import pytest
import torch

import ferryman

HEAT = torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(0))


def peak(x):
    i = x.flatten(1).argmax(1)
    return i // 6, i % 6


def unravelled(x):
    return torch.unravel_index(x.flatten().argmin(), (2, 6, 6))


def of_the_best(x):
    places = x.flatten(1).topk(3).indices
    return torch.div(places, 6, rounding_mode="floor"), places.fmod(6), places


def truncated(x):
    i = x.argmax(2) - 3
    return torch.div(i, 2, rounding_mode="trunc"), i.fmod(2), i.remainder(-2), i // -2


def counted(x):
    count = (x > 0.5).sum((1, 2))
    return count // 7, count % 7, (count + 40) // (count + 1)


def bits(x):
    i = x.flatten(1).argmax(1)
    return i >> 2, i & 3, (i << 1) | 1, i ^ 5


def bounded(x):
    i = (x * 100).long().clamp(0, 90)
    return i // 10, i % 10, i.clamp(min=0)


def looked_up(x):
    i = x.flatten(1).argmax(1)
    return torch.arange(36.0)[i], torch.arange(36)[i] // 5


def far(x):
    """Numbers that int32 does not hold."""
    i = x.argmax(2) * 2**33 + 5
    return i // 6, i % 6, i >> 3


def negative(x):
    i = x.argmax(2) * -1
    return i // 4, i % 4, i.fmod(4), i >> 1, i & 7


# Operators, and the oldest runtime that has them: None where neither is the point.
CASES = {
    peak: (12, "1.14.0"),
    unravelled: (18, "1.14.0"),
    of_the_best: (20, None),
    truncated: (40, None),
    counted: (14, "1.14.0"),
    bits: (None, None),
    bounded: (16, None),
    looked_up: (10, None),
    far: (None, None),
    negative: (None, None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_results_are_those_of_pytorch(case):
    # The check compares every value of the graph, on the example and on random inputs.
    ferryman.convert(case, (HEAT,), progress=False)
