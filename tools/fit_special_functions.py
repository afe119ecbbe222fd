#!/usr/bin/env python3
"""Fits the polynomials of src/ops/special/special_coefficients.h.

    tools/fit_special_functions.py > src/ops/special/special_coefficients.h        (needs mpmath)

Each piece of a special function becomes a polynomial in a variable that makes it short: least
squares on Chebyshev nodes, the weights renewed until the error is level (Lawson's algorithm). The
degrees are the lowest that stay below a fifth of a unit of float32 or so.
"""

import dataclasses
from collections.abc import Callable

import mpmath as mp
import numpy as np

mp.mp.dps = 30
NODES, ROUNDS = 200, 60


@dataclasses.dataclass(frozen=True)
class Piece:
    """`function(t)` for t in [low, high], relative to `scale(t)` (by default to itself)."""

    name: str
    why: str
    function: Callable
    low: float
    high: float
    degree: int
    scale: Callable | None = None


def fit(piece: Piece) -> tuple[np.ndarray, float]:
    """Coefficients from the highest power down, and the largest error."""
    nodes = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    t = (piece.high - piece.low) / 2 * nodes + (piece.high + piece.low) / 2
    values = np.array([float(piece.function(mp.mpf(float(x)))) for x in t])
    scale = values if piece.scale is None else np.array([float(piece.scale(float(x))) for x in t])
    basis = np.polynomial.chebyshev.chebvander(nodes, piece.degree)
    weights = np.ones(NODES)
    best = None
    for _ in range(ROUNDS):
        factor = np.sqrt(weights) / np.abs(scale)
        found = np.linalg.lstsq(basis * factor[:, None], values * factor, rcond=None)[0]
        error = np.abs((basis @ found - values) / scale)
        if best is None or error.max() < best[1]:
            best = found, error.max()
        weights *= error / error.max() + 1e-3
        weights /= weights.sum()
    series = np.polynomial.Chebyshev(best[0], domain=[piece.low, piece.high])
    return series.convert(kind=np.polynomial.Polynomial).coef[::-1], best[1]


# ---- gamma ----


def stirling_rest(u):
    """(log gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) x with u = 1 / x^2"""
    if u == 0:
        return mp.mpf(1) / 12
    x = 1 / mp.sqrt(u)
    return (mp.loggamma(x) - (x - 0.5) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x


def lgamma_middle(t):
    """log gamma(2 + t) / (t (1 + t))"""
    return mp.loggamma(2 + t) / (t * (1 + t)) if t not in (0, -1) else 1 - mp.euler


def digamma_rest(u):
    """(log x - 1 / (2 x) - digamma(x)) x^2 with u = 1 / x^2"""
    x = 1 / mp.sqrt(u)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) * x * x


def eta_and_mu(eta):
    """mu with mu - log(1 + mu) = eta^2 / 2 and the sign of eta"""
    start = eta + eta * eta / 3
    return mp.findroot(lambda m: m - mp.log1p(m) - eta * eta / 2, max(start, mp.mpf("-0.95")))


def temme(order):
    """Coefficients of Temme's expansion in closed form, DLMF 8.12.9 to 8.12.12."""

    def c0(eta, mu):
        return 1 / mu - 1 / eta

    def c1(eta, mu):
        return 1 / eta**3 - 1 / mu**3 - 1 / mu**2 - 1 / (12 * mu)

    def c2(eta, mu):
        late = 3 / mu**5 + 5 / mu**4 + mp.mpf(25) / 12 / mu**3 + 1 / (12 * mu**2) + 1 / (288 * mu)
        return late - 3 / eta**5

    def value(eta):
        return (c0, c1, c2)[order](eta, eta_and_mu(eta))

    return value


# ---- error function ----


def erfinv_of_w(w):
    """erfinv(x) / x with w = -log(1 - x^2)"""
    rest = -mp.expm1(-w)
    x = mp.sqrt(rest)
    # 1 - x without cancellation
    q = mp.exp(-w) / (1 + x)
    if w <= 3:
        return mp.erfinv(x) / x
    start = mp.sqrt(max(w - mp.log(mp.sqrt(mp.pi * max(w, 1))), mp.mpf("1e-3")))
    return mp.findroot(lambda v: mp.log(mp.erfc(v)) - mp.log(q), start) / x


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


# ---- Bessel ----


def modulus(order, part):
    """P or Q of J = sqrt(2 / (pi x)) (P cos - Q sin) with v = (5 / x)^2; Q comes without 5 / x"""

    def value(v):
        x = 5 / mp.sqrt(v)
        angle = x - mp.pi / 4 - order * mp.pi / 2
        j, y = mp.besselj(order, x), mp.bessely(order, x)
        root = mp.sqrt(mp.pi * x / 2)
        if part == "P":
            return root * (j * mp.cos(angle) + y * mp.sin(angle))
        return root * (y * mp.cos(angle) - j * mp.sin(angle)) * x / 5

    return value


def centred(x_of):
    """Functions of x on [0, 5] in t = 2 x^2 / 25 - 1"""
    return lambda t: x_of(5 * mp.sqrt((t + 1) / 2))


def y0_rest(x):
    return mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)


def y1_rest(x):
    return (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x


def k0_rest(u):
    x = 2 * mp.sqrt(u)
    return mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x)


def k1_rest(u):
    x = 2 * mp.sqrt(u)
    return (mp.besselk(1, x) - mp.log(x / 2) * mp.besseli(1, x)) * x


# ---- Airy ----


def airy_falling(r):
    """Ai(x) = exp(-z) / (2 sqrt(pi) x^(1/4)) times this, z = 2/3 x^(3/2), r = 1 / z"""
    z = 1 / r
    x = (1.5 * z) ** (mp.mpf(2) / 3)
    return mp.airyai(x) * 2 * mp.sqrt(mp.pi) * x ** mp.mpf("0.25") * mp.exp(z)


def airy_wave(part):
    """Ai(-x) = (P sin(z + pi/4) - Q cos(z + pi/4)) / (sqrt(pi) x^(1/4)), r = 1 / z^2;
    Q without 1 / z"""

    def value(r):
        z = 1 / mp.sqrt(r)
        x = (1.5 * z) ** (mp.mpf(2) / 3)
        angle = z + mp.pi / 4
        a, b = mp.airyai(-x), mp.airybi(-x)
        root = mp.sqrt(mp.pi) * x ** mp.mpf("0.25")
        if part == "P":
            return root * (a * mp.sin(angle) + b * mp.cos(angle))
        return root * (b * mp.sin(angle) - a * mp.cos(angle)) * z

    return value


TINY = 1e-9
ONE = lambda t: 1.0  # noqa: E731
AIRY = 2 / 3 * 2.09**1.5

PIECES = [
    Piece("kSinPi", "sin(pi r) / r in r^2, |r| <= 1/2", lambda u: mp.sinpi(mp.sqrt(u)) / mp.sqrt(u),
          TINY, 0.25, 4),
    Piece("kLgammaStirling", "(log gamma - Stirling's leading terms) x in 1 / x^2, x >= 3",
          stirling_rest, 1e-6, 1 / 9, 3, ONE),
    Piece("kLgammaMiddle", "log gamma(2 + t) / (t (1 + t)), 1 <= 2 + t <= 3",
          lgamma_middle, -1, 1, 11),
    Piece("kDigammaRest", "(log x - 1 / (2 x) - digamma(x)) x^2 in 1 / x^2, x >= 4",
          digamma_rest, 1e-6, 1 / 16, 3, ONE),
    Piece("kTemmeHalf", "(mu - log(1 + mu)) / mu^2 in mu, |mu| <= 0.4",
          lambda m: (m - mp.log1p(m)) / m**2, -0.4, 0.4, 9),
    Piece("kTemme0", "Temme's C0 in eta, |eta| <= 1.4", temme(0), -1.4, 1.4, 9, ONE),
    Piece("kTemme1", "Temme's C1", temme(1), -1.4, 1.4, 7, ONE),
    Piece("kTemme2", "Temme's C2", temme(2), -1.4, 1.4, 4, ONE),
    Piece("kErfinvNear", "erfinv(x) / x in w - 2.5, w = -log(1 - x^2) < 5",
          lambda t: erfinv_of_w(t + 2.5), -2.5 + 1e-9, 2.5, 9),
    Piece("kErfinvFar", "the same in sqrt(w) - 3, 5 <= w < 16",
          lambda t: erfinv_of_w((t + 3) ** 2), 5**0.5 - 3, 1, 9),
    Piece("kErfinvTail", "the same in sqrt(w) - 7, 16 <= w < 105",
          lambda t: erfinv_of_w((t + 7) ** 2), -3, 3.25, 8),
    Piece("kErfcx", "erfcx(x) / t in t = 2 / (2 + x)",
          lambda t: erfcx(2 / t - 2) / t, 1e-3, 1, 11),
    Piece("kI0Near", "I0(x) in x^2, x <= 5", lambda u: mp.besseli(0, mp.sqrt(u)), 0, 25, 7),
    Piece("kI1Near", "I1(x) / x in x^2, x <= 5",
          lambda u: mp.besseli(1, mp.sqrt(u)) / mp.sqrt(u), TINY, 25, 7),
    Piece("kI0Far", "exp(-x) sqrt(x) I0(x) in 5 / x",
          lambda v: mp.besseli(0, 5 / v) * mp.exp(-5 / v) * mp.sqrt(5 / v), 1e-3, 1, 8),
    Piece("kI1Far", "exp(-x) sqrt(x) I1(x) in 5 / x",
          lambda v: mp.besseli(1, 5 / v) * mp.exp(-5 / v) * mp.sqrt(5 / v), 1e-3, 1, 8),
    Piece("kK0Near", "K0(x) + log(x / 2) I0(x) in x^2 / 4, x <= 2", k0_rest, TINY, 1, 5, ONE),
    Piece("kK1Near", "(K1(x) - log(x / 2) I1(x)) x in x^2 / 4, x <= 2", k1_rest, TINY, 1, 5, ONE),
    Piece("kK0Far", "exp(x) sqrt(x) K0(x) in 2 / x",
          lambda v: mp.besselk(0, 2 / v) * mp.exp(2 / v) * mp.sqrt(2 / v), 1e-3, 1, 8),
    Piece("kK1Far", "exp(x) sqrt(x) K1(x) in 2 / x",
          lambda v: mp.besselk(1, 2 / v) * mp.exp(2 / v) * mp.sqrt(2 / v), 1e-3, 1, 8),
    Piece("kJ0Near", "J0(x) in 2 x^2 / 25 - 1, x <= 5",
          centred(lambda x: mp.besselj(0, x)), -1, 1, 7, ONE),
    Piece("kJ1Near", "J1(x) / x in the same",
          centred(lambda x: mp.besselj(1, x) / x), -1 + TINY, 1, 7, lambda t: 0.2),
    Piece("kY0Near", "Y0(x) - 2/pi log(x) J0(x) in the same",
          centred(y0_rest), -1 + TINY, 1, 7, ONE),
    Piece("kY1Near", "(Y1(x) - 2/pi (log(x) J1(x) - 1 / x)) / x in the same",
          centred(y1_rest), -1 + TINY, 1, 7, lambda t: 0.2),
    Piece("kJ0Cosine", "P0 in (5 / x)^2, x > 5", modulus(0, "P"), 1e-5, 1, 4),
    Piece("kJ0Sine", "Q0 x / 5 in the same", modulus(0, "Q"), 1e-5, 1, 4, ONE),
    Piece("kJ1Cosine", "P1 in (5 / x)^2, x > 5", modulus(1, "P"), 1e-5, 1, 4),
    Piece("kJ1Sine", "Q1 x / 5 in the same", modulus(1, "Q"), 1e-5, 1, 4, ONE),
    Piece("kAiryNear", "Ai(x) in x / 2.09, |x| <= 2.09",
          lambda t: mp.airyai(t * mp.mpf("2.09")), -1, 1, 13, ONE),
    Piece("kAiryFalling", "Ai(x) without its leading term in 1 / z, x > 2.09",
          airy_falling, 1e-3, 1 / AIRY, 7),
    Piece("kAiryCosine", "Q z of Ai(-x) in 1 / z^2, x > 2.09",
          airy_wave("Q"), 1e-5, 1 / AIRY**2, 7, ONE),
    Piece("kAirySine", "P of Ai(-x) in the same", airy_wave("P"), 1e-5, 1 / AIRY**2, 7, ONE),
]

HEADER = """\
// Coefficients of the special functions, from the highest power down, for special_*_formulas.h.
// Written by tools/fit_special_functions.py, which says what is fitted; do not
// edit. The comments give the largest error of a fit, relative to the function or to 1.
#pragma once

#include <array>

namespace ferryman::special {

// clang-format off
"""
FOOTER = "// clang-format on\n\n}  // namespace ferryman::special"


def main():
    print(HEADER, end="")
    for piece in PIECES:
        coefficients, error = fit(piece)
        print(f"// {piece.why}: {error:.0e}")
        print(f"inline constexpr std::array {piece.name} = {{")
        for start in range(0, len(coefficients), 4):
            line = ", ".join(repr(float(c)) for c in coefficients[start : start + 4])
            print(f"    {line},")
        print("};")
    print(FOOTER)


if __name__ == "__main__":
    main()
