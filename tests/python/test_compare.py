"""The measure that every check rests on."""

import numpy as np
import pytest

from ferryman.compare import compare


def check(expected, got, rtol=1e-4, atol=0.0):
    return compare(np.asarray(expected), np.asarray(got), rtol=rtol, atol=atol)


def test_difference_is_seen_against_the_largest_value():
    assert check([100.0, 0.0], [100.0, 0.009]).ok
    assert not check([100.0, 0.0], [100.0, 0.011]).ok
    difference = check([[100.0, 1.0]], [[100.0, 2.0]])
    assert (difference.worst, difference.relative, difference.index) == (1.0, 0.01, (0, 1))
    assert (difference.expected, difference.got) == (1.0, 2.0)


def test_absolute_tolerance_covers_values_near_zero():
    assert check([0.0], [1e-6], atol=1e-5).ok
    assert not check([0.0], [1e-6]).ok


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_values_that_are_not_finite_must_agree(value):
    assert check([value, 1.0], [value, 1.0]).ok
    for other in (0.0, np.inf, -np.inf, np.nan):
        if not (other == value or (np.isnan(other) and np.isnan(value))):
            assert not check([value, 1.0], [other, 1.0]).ok
            assert not check([other, 1.0], [value, 1.0]).ok


def test_integers_and_booleans_are_exact():
    assert check([1, 2], [1, 2]).ok
    assert not check([1000000, 2], [1000001, 2]).ok
    assert not check([2**62], [2**62 + 1]).ok
    assert not check([True, False], [True, True]).ok
    assert check([1, 2], np.array([1, 2], np.int32)).ok  # a narrower type that holds the values


def test_another_shape_differs():
    difference = check([1.0, 2.0], [[1.0, 2.0]])
    assert not difference.ok
    assert difference.note == "shape (1, 2) instead of (2,)"


def test_empty_arrays_are_equal():
    assert check(np.zeros((0, 3)), np.zeros((0, 3))).ok


def test_complex_numbers():
    assert check([1 + 1j], [1 + 1j]).ok
    assert not check([1 + 1j], [1 - 1j]).ok
