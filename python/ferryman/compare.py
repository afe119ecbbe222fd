"""How far two arrays are apart.

    difference = compare(expected, got, rtol=1e-4, atol=1e-5)
    difference.ok, difference.worst, difference.relative, difference.index

The measure is the worst absolute difference, seen against the largest finite magnitude of what is
expected: rounding errors of a sum are in proportion to its terms, not to its result. Infinities and
NaNs must be at the same places; integers and booleans must be equal.
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Difference:
    ok: bool
    worst: float  # absolute; inf where one side alone is not finite, or the shapes differ
    relative: float  # worst / the largest expected magnitude
    used: float  # the share of the tolerance that is used up; above 1 it is not ok
    index: tuple[int, ...] = ()  # of the worst element
    expected: float | None = None  # there
    got: float | None = None
    note: str = ""  # what else is wrong: "shape (1, 3) instead of (1, 4)"
    # Where exact.py had to judge: how far the file and PyTorch are from the exact value, relative
    # to the largest magnitude.
    error: float | None = None
    torch_error: float | None = None
    run: str = ""  # of a body: "in iteration 3 of while_loop"

    @property
    def is_rounding(self) -> bool:
        """Beyond the tolerance, and right all the same: PyTorch rounds about as much."""
        return self.ok and self.error is not None


def compare(expected: np.ndarray, got: np.ndarray, *, rtol: float, atol: float) -> Difference:
    if expected.shape != got.shape:
        note = f"shape {got.shape} instead of {expected.shape}"
        return Difference(False, np.inf, np.inf, np.inf, note=note)
    if expected.size == 0:
        return Difference(True, 0.0, 0.0, 0.0)
    exact = not np.issubdtype(expected.dtype, np.inexact)
    distance, scale = _distance(expected, got, exact)
    flat = int(distance.argmax())
    index = tuple(int(i) for i in np.unravel_index(flat, distance.shape))
    worst = float(distance.flat[flat])
    allowed = 0.0 if exact else atol + rtol * scale
    if worst == 0:
        used = 0.0
    else:
        used = worst / allowed if allowed > 0 else np.inf
    return Difference(
        ok=used <= 1,
        worst=worst,
        relative=worst / scale if scale > 0 else (np.inf if worst else 0.0),
        used=used,
        index=index,
        expected=expected[index].item(),
        got=got[index].item(),
    )


def restore_infinities(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    """`got` with infinities where the largest number stands for them: LiteRT's built-in kernels cut
    sums and products to finite numbers, as those of a mask of -inf. What is computed from such
    values, and every output, is still compared as it is."""
    if got.dtype != np.float32 or expected.shape != got.shape or not np.isinf(expected).any():
        return got
    largest = np.copysign(np.finfo(np.float32).max, expected)
    return np.where(np.isinf(expected) & (got == largest), expected, got)


def _distance(expected: np.ndarray, got: np.ndarray, exact: bool) -> tuple[np.ndarray, float]:
    """The absolute differences, infinite where one side alone is finite; the largest magnitude."""
    if exact:
        # Python integers do not overflow; arrays of 64-bit integers can.
        different = expected != got
        wide = np.abs(expected.astype(np.float64) - got.astype(np.float64))
        distance = np.where(different, np.maximum(wide, np.finfo(np.float64).tiny), 0.0)
        return distance, float(np.abs(expected.astype(np.float64)).max())
    kind = np.complex128 if np.iscomplexobj(expected) else np.float64
    expected, got = expected.astype(kind), got.astype(kind)
    finite = np.isfinite(expected)
    same = (expected == got) | (np.isnan(expected) & np.isnan(got))
    with np.errstate(invalid="ignore"):
        distance = np.where(same, 0.0, np.abs(expected - got))
    distance[~same & ~(finite & np.isfinite(got))] = np.inf
    scale = float(np.abs(expected[finite]).max()) if finite.any() else 0.0
    return distance, scale
