// The error function's family. Fits in special_coefficients.h.
#pragma once

#include "ops/special/special_arithmetic.h"

namespace ferryman::special {

// erfinv(x) / x as a function of w = -log(1 - x^2), for w < 16 (all that 1 - x of float32 can be).
// The split in w and in its root is that of M. Giles, Approximating the erfinv function (2010).
template <typename Real>
Real erfinv_quotient(const Real& w) {
  return where(w < 5.0, horner(Real(w - 2.5), kErfinvNear),
               horner(Real(sqrt(w) - 3.0), kErfinvFar));
}

template <typename Real>
Real erfinv(const Real& x) {
  const Real w = -log((1.0 - x) * (x + 1.0));
  const Real inside = x * erfinv_quotient(w);
  const Real outside = where(x == 1.0, kInfinity, where(x == -1.0, -kInfinity, inside));
  return where(abs(x) > 1.0, kNaN, outside);
}

// sqrt(2) erfinv(2 p - 1), where 1 - (2 p - 1)^2 = 4 p (1 - p) stays exact for a small p.
template <typename Real>
Real ndtri(const Real& p) {
  const Real w = -log(p * 4.0 * (1.0 - p));
  const Real quotient =
      where(w < 16.0, erfinv_quotient(w), horner(Real(sqrt(w) - 7.0), kErfinvTail));
  const Real inside = (p * 2.0 - 1.0) * quotient * std::numbers::sqrt2;
  const Real outside = where(p == 0.0, -kInfinity, where(p == 1.0, kInfinity, inside));
  return where(either(p < 0.0, p > 1.0), kNaN, outside);
}

// exp(x^2) erfc(x) for x >= 0
template <typename Real>
Real erfcx_above_zero(const Real& x) {
  const Real t = 2.0 / (x + 2.0);
  return t * horner(t, kErfcx);
}

template <typename Real>
Real erfcx(const Real& x) {
  const Real above = erfcx_above_zero(Real(abs(x)));
  return where(x < 0.0, exp(x * x) * 2.0 - above, above);
}

// The logarithm of the normal distribution: log(erfc(-x / sqrt(2)) / 2).
template <typename Real>
Real log_ndtr(const Real& x) {
  const Real z = abs(x) * (1 / std::numbers::sqrt2);
  const Real square = z * z;
  const Real scaled = erfcx_above_zero(z) * 0.5;
  return where(x < 0.0, log(scaled) - square, log1p(-(exp(-square) * scaled)));
}

}  // namespace ferryman::special
