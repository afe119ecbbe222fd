// The gamma function's family. Fits in special_coefficients.h; identities as in chapters 5, 8 and
// 25 of the Digital Library of Mathematical Functions; poles and domains as torch has them.
#pragma once

#include <algorithm>
#include <vector>

#include "ops/special/special_arithmetic.h"

namespace ferryman::special {

// For x >= 0: Stirling's series from 3 on, a polynomial between 1 and 3, gamma(x) = gamma(x+1) / x
// below.
template <typename Real>
Real lgamma_above_zero(const Real& x) {
  const Real t = where(x < 1.0, x - 1.0, x - 2.0);
  const Real middle = t * (t + 1.0) * horner(t, kLgammaMiddle);
  const Real near = where(x < 1.0, middle - log(x), middle);
  const Real inverse = 1.0 / x;
  const Real rest = horner(Real(inverse * inverse), kLgammaStirling) * inverse;
  // (x - 1/2) log(x) - x without infinity minus infinity.
  const double kConstant = (std::log(2 * kPi) - 1) / 2;
  const Real far = (x - 0.5) * (log(x) - 1.0) + (rest + kConstant);
  return where(x < 3.0, near, far);
}

// gamma(x) gamma(-x) = -pi / (x sin(pi x))
template <typename Real>
Real lgamma(const Real& x) {
  const Real size = abs(x);
  const Real above = lgamma_above_zero(size);
  const Real sine = sin_pi(Real(abs(beside_whole(size))));
  const Real below = -(log(size) + log(sine * (1 / kPi))) - above;
  return where(size == kInfinity, size, where(x < 0.0, below, above));
}

// digamma(x) = digamma(x + 4) - the sum of 1 / (x + k); digamma(x) = digamma(1 - x) - pi cot(pi x)
template <typename Real>
Real digamma(const Real& x) {
  const Real y = where(x < 0.0, 1.0 - x, x);
  const Real z = where(y < 4.0, y + 4.0, y);
  const Real inverse = 1.0 / z;
  const Real square = inverse * inverse;
  const Real asymptote = log(z) - inverse * 0.5 - square * horner(square, kDigammaRest);
  const Real skipped = 1.0 / y + 1.0 / (y + 1.0) + (1.0 / (y + 2.0) + 1.0 / (y + 3.0));
  const Real above = where(y < 4.0, asymptote - skipped, asymptote);
  const Real r = beside_whole(x);
  const Real cotangent = where(r == 0.0, kNaN, cot_pi(r));
  return where(x < 0.0, above - cotangent * kPi, above);
}

// B(2j) / (2j)!, the factors of the Euler-Maclaurin formula.
inline constexpr std::array kEulerMaclaurin = {1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600,
                                               1.0 / 47900160};

// The rest of zeta's sum from w on, divided by w^-s, which for large s must be 0 beside it:
// w / (s - 1) + 1/2 + s / (12 w) - s (s+1) (s+2) / (720 w^3) + ...
template <typename Real, typename Exponent>
Real zeta_rest(const Exponent& s, const Real& w) {
  const Real inverse = 1.0 / w;
  const Real square = inverse * inverse;
  Real sum = number_like(w, kEulerMaclaurin.back());
  for (int j = static_cast<int>(kEulerMaclaurin.size()) - 1; j > 0; --j) {
    const Exponent factor = (s + (2.0 * j - 1)) * (s + 2.0 * j);
    sum = square * factor * sum + kEulerMaclaurin[static_cast<size_t>(j) - 1];
  }
  return w / (s - 1.0) + (inverse * s * sum + 0.5);
}

// The sum of (x + k)^-s over all k >= 0, for x > 0 and a whole s.
template <typename Real>
Real whole_zeta(int s, const Real& x) {
  const int terms = s < 8 ? 8 : s;  // the series of the rest asks for w > s
  // The power of the reciprocal: the other order would overflow early.
  Real sum = whole_power(Real(1.0 / x), s);
  for (int k = 1; k < terms; ++k) sum = sum + whole_power(Real(1.0 / (x + 1.0 * k)), s);
  const Real w = x + 1.0 * terms;
  return sum + zeta_rest(1.0 * s, w) * whole_power(Real(1.0 / w), s);
}

// The coefficients of the polynomial in c = cot(y) that the n-th derivative of cot(y) is, from the
// highest power down: P' goes with -(1 + c^2).
inline std::vector<double> cotangent_derivative(int n) {
  const auto size = static_cast<size_t>(n) + 2;
  std::vector<double> rising(size, 0.0);  // by power
  rising[1] = 1;
  for (; n > 0; --n) {
    std::vector<double> next(size, 0.0);
    for (size_t power = 1; power + 1 < size; ++power) {
      const double factor = -static_cast<double>(power) * rising[power];
      next[power - 1] += factor;
      next[power + 1] += factor;
    }
    rising = next;
  }
  std::reverse(rising.begin(), rising.end());
  return rising;
}

// Of order n >= 1: (-1)^(n+1) n! zeta(n + 1, x), and
// (-1)^n polygamma(1 - x) - pi^(n+1) cot^(n)(pi x) below 0.
template <typename Real>
Real polygamma(int n, const Real& x) {
  const double sign = n % 2 == 0 ? -1 : 1;
  double factor = sign;
  for (int k = 2; k <= n; ++k) factor *= k;
  const Real y = where(x < 0.0, 1.0 - x, abs(x));
  const Real above = whole_zeta(n + 1, y) * factor;
  const Real r = beside_whole(x);
  const Real cotangent = cot_pi(r);
  const std::vector<double> coefficients = cotangent_derivative(n);
  Real derivative = cotangent * coefficients[0] + coefficients[1];
  for (size_t i = 2; i < coefficients.size(); ++i)
    derivative = derivative * cotangent + coefficients[i];
  const Real below = above * -sign - derivative * std::pow(kPi, n + 1);
  const Real at_pole = where(either(r == 0.0, x == -kInfinity), sign * kInfinity, below);
  return where(x < 0.0, at_pole, above);
}

// The sum of (x + k)^-s over all k >= 0, for x > 0.
template <typename Real>
Real zeta_above_zero(const Real& s, const Real& x) {
  constexpr int kTerms = 9;
  constexpr double kLargeExponent = 100;  // w^-s is 0 in float32 long before
  const Real negated = -s;
  Real sum = pow(x, negated);
  for (int k = 1; k < kTerms; ++k) sum = sum + pow(x + 1.0 * k, negated);
  const Real w = x + 1.0 * kTerms;
  return sum + pow(w, negated) * zeta_rest(fmin(s, kLargeExponent), w);
}

// Below 0, where s must be whole, the terms before the pole are those of another zeta, reflected:
// with q = -m + f, the sum of (f - j)^-s over j = 1 .. m is (-1)^s (zeta(1 - f) - zeta(1 - q)).
template <typename Real>
Real zeta(const Real& s, const Real& q) {
  const Real r = beside_whole(q);
  const Real f = where(r < 0.0, r + 1.0, r);
  const Real before = where(r < 0.0, -r, 1.0 - r);
  const Real above = zeta_above_zero(s, where(q > 0.0, q, f));
  const Real parity = 1.0 - 4.0 * abs(beside_whole(Real(s * 0.5)));  // 1 or -1
  const Real reflected =
      zeta_above_zero(s, before) - zeta_above_zero(s, where(q > 0.0, q, 1.0 - q));
  const Real below = where(s == floor(s), above + parity * reflected, kNaN);
  const Real value =
      where(q > 0.0, above, where(either(r == 0.0, q == -kInfinity), kInfinity, below));
  const Real number = where(either(isnan(s), isnan(q)), kNaN, value);
  return where(s == 1.0, kInfinity, where(s < 1.0, kNaN, number));
}

// ---- incomplete gamma functions ----

// Temme's uniform expansion for large a, DLMF 8.12.3: the regularised lower function.
template <typename Real>
Real igamma_of_large(const Real& a, const Real& x) {
  constexpr double kWidest = 1.4;  // exp(-a eta^2 / 2) < 1e-8 beyond, for a >= 20
  const Real mu = x / a - 1.0;
  // eta^2 / 2 = mu - log(1 + mu)
  const Real half = where(abs(mu) < 0.4, mu * mu * horner(mu, kTemmeHalf), mu - log1p(mu));
  const Real size = sqrt(half * 2.0);
  const Real eta = where(mu < 0.0, -size, size);
  const Real narrow = fmax(fmin(eta, kWidest), -kWidest);
  const Real inverse = 1.0 / a;
  const Real series = horner(narrow, kTemme0) +
                      inverse * (horner(narrow, kTemme1) + inverse * horner(narrow, kTemme2));
  const Real rest = exp(-(a * half)) * series / sqrt(a * (2 * kPi));
  return 0.5 + 0.5 * erf(eta * sqrt(a * 0.5)) - rest;
}

// P(a, x) = P(a + m, x) + x^a exp(-x) / gamma(a + 1) * (1 + x / (a + 1) + ... m terms): all terms
// are positive, and P(a + m, x) is one for a large a.
template <typename Real>
Real igamma_inside(const Real& a, const Real& x) {
  constexpr int kTerms = 20;
  constexpr double kBeyond = 100;  // where the terms have no weight left
  const Real small = fmin(x, kBeyond);
  Real sum = small / (a + (kTerms - 1.0)) + 1.0;
  for (int k = kTerms - 2; k > 0; --k) sum = small / (a + 1.0 * k) * sum + 1.0;
  const Real power = exp(a * log(small) - small - lgamma_above_zero(Real(a + 1.0)));
  const Real large = igamma_of_large(where(a < 1.0 * kTerms, a + 1.0 * kTerms, a), x);
  return where(a < 1.0 * kTerms, large + power * sum, large);
}

// The regularised lower incomplete gamma function.
template <typename Real>
Real igamma(const Real& a, const Real& x) {
  const Real at_zero = where(x > 0.0, number_like(x, 1.0), kNaN);
  const Real at_infinity = where(x == kInfinity, number_like(x, kNaN), 0.0);
  const Real inside = fmin(igamma_inside(a, x), 1.0);
  Real value = where(either(isnan(a), isnan(x)), kNaN, inside);
  value = where(x == kInfinity, 1.0, value);
  value = where(a == kInfinity, at_infinity, value);
  value = where(x == 0.0, 0.0, value);
  value = where(a == 0.0, at_zero, value);
  return where(either(x < 0.0, a < 0.0), kNaN, value);
}

template <typename Real>
Real igammac(const Real& a, const Real& x) {
  return 1.0 - igamma(a, x);
}

}  // namespace ferryman::special
