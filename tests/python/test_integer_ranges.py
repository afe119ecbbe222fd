"""Whole numbers that fit into int32 are divided as such, in few operators of old runtimes."""

import json

import pytest
import torch

import ferryman
from ferryman import tree
from ferryman.native_contract import Runtime

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


ALL = [
    peak, unravelled, of_the_best, truncated, counted, bits, bounded, looked_up, far, negative
]  # fmt: skip


@pytest.mark.parametrize("function", ALL, ids=lambda function: function.__name__)
def test_results_are_those_of_pytorch(function):
    # The check compares every value of the graph, on the example and on random inputs.
    ferryman.convert(function, (HEAT,), progress=False)


@pytest.mark.parametrize(
    "function, most", [(peak, 12), (counted, 12), (bounded, 10)], ids=lambda x: str(x)[:16]
)
def test_a_division_that_fits_is_one_operator_of_old_runtimes(function, most):
    native = ferryman.convert(function, (HEAT,), verify=False, progress=False).report.native
    assert native.ops["FLOOR_DIV"] >= 1
    assert sum(native.ops.values()) <= most
    assert native.runtime.oldest == "1.14.0"


def test_an_index_that_is_not_negative_is_not_wrapped():
    native = ferryman.convert(looked_up, (HEAT,), verify=False, progress=False).report.native
    assert native.ops["GATHER"] == 2
    assert not {"SELECT_V2", "LESS", "ADD"} & set(native.ops)


def test_known_bits_are_divisions():
    def low_and_high(x):
        return x & 63, x >> 3

    native = ferryman.convert(low_and_high, (torch.arange(9, dtype=torch.int32) - 4,)).report.native
    assert {"STABLEHLO_AND", "RIGHT_SHIFT"} & set(native.ops) == set()


def test_the_report_names_the_oldest_runtime_and_what_asks_for_it():
    def smooth(x):
        return torch.nn.functional.gelu(x), x + 1

    report = ferryman.convert(smooth, (HEAT,), verify=False, progress=False).report
    assert report.native.runtime == Runtime("TensorFlow Lite", "2.9.0", ("GELU",))
    assert json.loads(report.to_json())["runtime"] == {
        "name": "TensorFlow Lite", "oldest": "2.9.0", "operators": ["GELU"],
    }
    assert "runtime: TensorFlow Lite 2.9.0 or later, for GELU" in tree.summary(report)
