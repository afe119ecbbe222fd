// Bessel and Airy functions: polynomials near 0, the leading term of the asymptotic expansion times
// a polynomial in 1 / x far from it (DLMF 10.17, 10.40, 9.7), split where torch's are. Fits in
// special_coefficients.h.
#pragma once

#include "ops/special/special_arithmetic.h"

namespace ferryman::special {

enum class Scaled { kNo, kYes };  // by exp(-x) for I, exp(x) for K

template <Scaled kScaled, typename Real>
Real bessel_i0(const Real& x) {
  const Real size = abs(x);
  const Real near = horner(Real(x * x), kI0Near);
  const Real far = horner(Real(5.0 / size), kI0Far) / sqrt(size);
  if (kScaled == Scaled::kYes) return where(size <= 5.0, near * exp(-size), far);
  return where(size <= 5.0, near, exp(size) * far);
}

template <Scaled kScaled, typename Real>
Real bessel_i1(const Real& x) {
  const Real size = abs(x);
  const Real near = size * horner(Real(x * x), kI1Near);
  const Real far = horner(Real(5.0 / size), kI1Far) / sqrt(size);
  const Real above = kScaled == Scaled::kYes ? where(size <= 5.0, near * exp(-size), far)
                                             : where(size <= 5.0, near, exp(size) * far);
  return where(x < 0.0, -above, above);
}

// NaN below 0, as the logarithm is.
template <Scaled kScaled, typename Real>
Real bessel_k0(const Real& x) {
  const Real near =
      horner(Real(x * x * 0.25), kK0Near) - log(x * 0.5) * horner(Real(x * x), kI0Near);
  const Real far = horner(Real(2.0 / x), kK0Far) / sqrt(x);
  if (kScaled == Scaled::kYes) return where(x <= 2.0, near * exp(x), far);
  return where(x <= 2.0, near, exp(-x) * far);
}

template <Scaled kScaled, typename Real>
Real bessel_k1(const Real& x) {
  const Real i1 = x * horner(Real(x * x), kI1Near);
  const Real near = horner(Real(x * x * 0.25), kK1Near) / x + log(x * 0.5) * i1;
  const Real far = horner(Real(2.0 / x), kK1Far) / sqrt(x);
  const Real value = kScaled == Scaled::kYes ? where(x <= 2.0, near * exp(x), far)
                                             : where(x <= 2.0, near, exp(-x) * far);
  return where(x == 0.0, kInfinity, value);
}

// ---- J and Y ----

// The variable of the fits below 5.
template <typename Real>
Real bessel_near_variable(const Real& x) {
  return x * x * (2.0 / 25) - 1.0;
}

// P and Q of the expansion for x > 5, and the angle that they go with.
template <typename Real>
struct BesselWave {
  Real cosine;
  Real sine;
  Real angle;
  Real amplitude;
};

template <typename Real, size_t kCount>
BesselWave<Real> bessel_wave(const Real& x, const std::array<double, kCount>& p,
                             const std::array<double, kCount>& q, double phase) {
  const Real inverse = 5.0 / x;
  const Real square = inverse * inverse;
  return {horner(square, p), inverse * horner(square, q), x - phase,
          number_like(x, std::sqrt(2 / kPi)) / sqrt(x)};
}

template <typename Real>
Real wave_j(const BesselWave<Real>& wave) {
  return wave.amplitude * (wave.cosine * cos(wave.angle) - wave.sine * sin(wave.angle));
}
template <typename Real>
Real wave_y(const BesselWave<Real>& wave) {
  return wave.amplitude * (wave.cosine * sin(wave.angle) + wave.sine * cos(wave.angle));
}

template <typename Real>
Real bessel_j0(const Real& x) {
  const Real size = abs(x);
  const Real far = wave_j(bessel_wave(size, kJ0Cosine, kJ0Sine, kPi / 4));
  return where(size <= 5.0, horner(bessel_near_variable(x), kJ0Near), far);
}

template <typename Real>
Real bessel_j1(const Real& x) {
  const Real size = abs(x);
  const Real near = size * horner(bessel_near_variable(x), kJ1Near);
  const Real far = wave_j(bessel_wave(size, kJ1Cosine, kJ1Sine, 3 * kPi / 4));
  const Real above = where(size <= 5.0, near, far);
  return where(x < 0.0, -above, above);
}

// NaN below 0, as the logarithm is.
template <typename Real>
Real bessel_y0(const Real& x) {
  const Real t = bessel_near_variable(x);
  const Real near = horner(t, kY0Near) + log(x) * (2 / kPi) * horner(t, kJ0Near);
  const Real far = wave_y(bessel_wave(x, kJ0Cosine, kJ0Sine, kPi / 4));
  return where(x <= 5.0, near, far);
}

template <typename Real>
Real bessel_y1(const Real& x) {
  const Real t = bessel_near_variable(x);
  const Real j1 = x * horner(t, kJ1Near);
  const Real near = x * horner(t, kY1Near) + (log(x) * j1 - 1.0 / x) * (2 / kPi);
  const Real far = wave_y(bessel_wave(x, kJ1Cosine, kJ1Sine, 3 * kPi / 4));
  return where(x == 0.0, -kInfinity, where(x <= 5.0, near, far));
}

// sin(x) / x, by its series where that would divide by 0.
template <typename Real>
Real spherical_bessel_j0(const Real& x) {
  constexpr std::array kSeries = {1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0};
  const Real near = horner(Real(x * x), kSeries);
  const Real value = where(abs(x) < 0.5, near, sin(x) / x);
  return where(abs(x) == kInfinity, 0.0, value);
}

// ---- Airy ----

template <typename Real>
Real airy_ai(const Real& x) {
  constexpr double kSplit = 2.09;
  constexpr double kVanishes = 103.892;  // torch's limit
  const Real size = abs(x);
  const Real z = size * sqrt(size) * (2.0 / 3);
  const Real inverse = 1.0 / z;
  const Real square = inverse * inverse;
  const Real amplitude = number_like(x, 1 / std::sqrt(kPi)) / sqrt(sqrt(size));
  const Real falling = exp(-z) * 0.5 * amplitude * horner(inverse, kAiryFalling);
  const Real angle = z + kPi / 4;
  const Real wave = amplitude * (horner(square, kAirySine) * sin(angle) -
                                 inverse * horner(square, kAiryCosine) * cos(angle));
  const Real near = horner(Real(x * (1 / kSplit)), kAiryNear);
  const Real value = where(x > kSplit, falling, where(x < -kSplit, wave, near));
  return where(size == kInfinity, kNaN, where(x > kVanishes, 0.0, value));
}

}  // namespace ferryman::special
