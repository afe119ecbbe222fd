#include "ops/special/special_functions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/special/special_names.h"

namespace ferryman {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// The fits are made for float32.
constexpr double kTolerance = 5e-7;

double at(OpName name, double x) {
  for (const SpecialUnary& row : special_unaries()) {
    if (row.name.text == name.text) return row.number(x);
  }
  ADD_FAILURE() << "no row " << name.text;
  return 0;
}

double at(OpName name, double x, double y) {
  for (const SpecialBinary& row : special_binaries()) {
    if (row.name.text == name.text) return row.number(x, y);
  }
  ADD_FAILURE() << "no row " << name.text;
  return 0;
}

void expect_close(double got, double expected, double x) {
  EXPECT_NEAR(got, expected, kTolerance * std::max(std::fabs(expected), 1.0)) << "at " << x;
}

TEST(SpecialFunctions, LgammaIsThatOfTheStandardLibrary) {
  for (double x = -9.97; x < 60; x += 0.173) expect_close(at(ops::kLgamma, x), std::lgamma(x), x);
  EXPECT_EQ(at(ops::kLgamma, -2), kInfinity);
  EXPECT_EQ(at(ops::kLgamma, -kInfinity), kInfinity);
}

TEST(SpecialFunctions, BesselFunctionsAreThoseOfTheStandardLibrary) {
  for (double x = 0.013; x < 30; x += 0.171) {
    expect_close(at(ops::kBesselJ0, x), std::cyl_bessel_j(0, x), x);
    expect_close(at(ops::kBesselJ1, -x), -std::cyl_bessel_j(1, x), x);
    expect_close(at(ops::kBesselY0, x), std::cyl_neumann(0, x), x);
    expect_close(at(ops::kBesselY1, x), std::cyl_neumann(1, x), x);
    expect_close(at(ops::kBesselI0, -x), std::cyl_bessel_i(0, x), x);
    expect_close(at(ops::kBesselI1e, -x), -std::cyl_bessel_i(1, x) * std::exp(-x), x);
    expect_close(at(ops::kBesselK0, x), std::cyl_bessel_k(0, x), x);
    expect_close(at(ops::kBesselK1e, x), std::cyl_bessel_k(1, x) * std::exp(x), x);
    expect_close(at(ops::kSphericalBesselJ0, x), std::sph_bessel(0, x), x);
  }
  EXPECT_EQ(at(ops::kBesselY1, 0), -kInfinity);
  EXPECT_EQ(at(ops::kBesselK1, 0), kInfinity);
  EXPECT_TRUE(std::isnan(at(ops::kBesselK0, -1)));
}

// Ai(x) = sqrt(x / 3) / pi K(1/3, 2/3 x^(3/2)), and by J(+-1/3) below 0.
TEST(SpecialFunctions, AiryIsOneOfBesselFunctions) {
  for (double x = 0.11; x < 12; x += 0.19) {
    const double z = x * std::sqrt(x) * 2 / 3;
    expect_close(at(ops::kAiryAi, x),
                 std::sqrt(x / 3) / std::acos(-1.0) * std::cyl_bessel_k(1.0 / 3, z), x);
    const double waves =
        std::sqrt(3.0) * std::cyl_bessel_j(1.0 / 3, z) - std::cyl_neumann(1.0 / 3, z);
    expect_close(at(ops::kAiryAi, -x), std::sqrt(x / 3) / 2 * waves, -x);
  }
}

TEST(SpecialFunctions, InversesUndoTheErrorFunction) {
  for (double x = -0.9993; x < 1; x += 0.0171) {
    expect_close(std::erf(at(ops::kErfinv, x)), x, x);
    const double p = (x + 1) / 2;
    expect_close(std::erfc(-at(ops::kNdtri, p) / std::sqrt(2.0)) / 2, p, p);
  }
  const double far = at(ops::kNdtri, 1e-30);
  EXPECT_NEAR(std::erfc(-far / std::sqrt(2.0)) / 2, 1e-30, 1e-34);
  EXPECT_EQ(at(ops::kErfinv, 1), kInfinity);
  EXPECT_TRUE(std::isnan(at(ops::kErfinv, 1.01)));
}

TEST(SpecialFunctions, ScaledErrorFunctionsAreRelativelyExact) {
  for (double x = -5; x < 20; x += 0.31) {
    const double erfcx = std::exp(x * x) * std::erfc(x);
    EXPECT_NEAR(at(ops::kErfcx, x) / erfcx, 1, kTolerance) << "at " << x;
    const double log_ndtr = std::log(std::erfc(-x / std::sqrt(2.0)) / 2);
    expect_close(at(ops::kLogNdtr, x), log_ndtr, x);
  }
}

TEST(SpecialFunctions, DigammaAndItsDerivativesAreDifferencesOfTheOneBefore) {
  constexpr double kStep = 1e-4;
  for (const double x : {-3.3, -0.4, 0.3, 1.7, 5.2, 40.0}) {
    const auto slope = [&](auto function) {
      return (function(x + kStep) - function(x - kStep)) / (2 * kStep);
    };
    const auto digamma = [](double y) { return at(ops::kDigamma, y); };
    const auto trigamma = [](double y) { return polygamma_number(1, y); };
    const auto lgamma = [](double y) { return std::lgamma(y); };
    EXPECT_NEAR(digamma(x) / slope(lgamma), 1, 1e-5) << "at " << x;
    EXPECT_NEAR(trigamma(x) / slope(digamma), 1, 1e-4) << "at " << x;
    EXPECT_NEAR(polygamma_number(2, x) / slope(trigamma), 1, 1e-4) << "at " << x;
  }
  EXPECT_EQ(at(ops::kDigamma, 0.0), -kInfinity);
  EXPECT_EQ(at(ops::kDigamma, -0.0), kInfinity);
  EXPECT_TRUE(std::isnan(at(ops::kDigamma, -3)));
  EXPECT_EQ(polygamma_number(2, -3), -kInfinity);
}

TEST(SpecialFunctions, ZetaContinuesItsSum) {
  for (double s = 1.05; s < 20; s += 0.37)
    expect_close(at(ops::kZeta, s, 1), std::riemann_zeta(s), s);
  // Below 0, q = -2.25: three terms more than from 0.75.
  const double more = std::pow(-2.25, -3) + std::pow(-1.25, -3) + std::pow(-0.25, -3);
  expect_close(at(ops::kZeta, 3, -2.25), more + at(ops::kZeta, 3, 0.75), -2.25);
  EXPECT_EQ(at(ops::kZeta, 2, -1), kInfinity);
  EXPECT_TRUE(std::isnan(at(ops::kZeta, 2.5, -1.5)));
  EXPECT_TRUE(std::isnan(at(ops::kZeta, 0.5, 1)));
}

// P(1/2, x) = erf(sqrt(x)), P(1, x) = 1 - exp(-x), P(a + 1, x) = P(a, x) - x^a exp(-x) / gamma(a+1)
TEST(SpecialFunctions, IncompleteGammaFunctionsFollowTheirRecurrence) {
  for (double x = 0.03; x < 60; x += 0.71) {
    expect_close(at(ops::kIgamma, 0.5, x), std::erf(std::sqrt(x)), x);
    double lower = 1 - std::exp(-x);
    for (double a = 1; a < 60; a += 1) {
      expect_close(at(ops::kIgamma, a, x), lower, x);
      expect_close(at(ops::kIgammac, a, x), 1 - lower, x);
      lower -= std::exp(a * std::log(x) - x - std::lgamma(a + 1));
    }
  }
  EXPECT_EQ(at(ops::kIgamma, 2, 0), 0);
  EXPECT_EQ(at(ops::kIgamma, 2, kInfinity), 1);
  EXPECT_TRUE(std::isnan(at(ops::kIgamma, -2, 1)));
}

}  // namespace
}  // namespace ferryman
