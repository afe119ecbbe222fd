// What the formulas of the special functions share. They are templates over the type of their
// numbers, double or Expression.
//
//   template <typename Real>
//   Real erfcx_above_zero(const Real& x) {
//     const Real t = 2.0 / (2.0 + x);
//     return t * horner(t, kErfcx);
//   }
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "ops/expression.h"
#include "ops/special/special_coefficients.h"

namespace ferryman::special {

using std::abs;
using std::cos;
using std::erf;
using std::exp;
using std::floor;
using std::fmax;
using std::fmin;
using std::isnan;
using std::log;
using std::log1p;
using std::nearbyint;
using std::pow;
using std::sin;
using std::sqrt;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = std::numbers::pi;

// Coefficients from the highest power down.
template <typename Real, size_t kCount>
Real horner(const Real& x, const std::array<double, kCount>& coefficients) {
  Real sum = x * coefficients[0] + coefficients[1];
  for (size_t i = 2; i < kCount; ++i) sum = sum * x + coefficients[i];
  return sum;
}

// x to the power of a whole number above 0.
template <typename Real>
Real whole_power(const Real& x, int exponent) {
  if (exponent == 1) return x;
  const Real half = whole_power(Real(x * x), exponent / 2);
  return exponent % 2 == 0 ? half : Real(half * x);
}

// x - n for the whole number n that is nearest.
template <typename Real>
Real beside_whole(const Real& x) {
  return x - nearbyint(x);
}

// For |r| <= 1/2, relatively exact beside 0, which the runtime's own sine does not promise.
template <typename Real>
Real sin_pi(const Real& r) {
  return r * horner(Real(r * r), kSinPi);
}
// cos(pi r) is sin(pi (1/2 - |r|)).
template <typename Real>
Real cot_pi(const Real& r) {
  return sin_pi(Real(0.5 - abs(r))) / sin_pi(r);
}

}  // namespace ferryman::special
