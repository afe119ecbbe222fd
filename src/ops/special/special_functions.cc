#include "ops/special/special_functions.h"

#include <array>

#include "ops/special/special_bessel_formulas.h"
#include "ops/special/special_error_formulas.h"
#include "ops/special/special_gamma_formulas.h"
#include "ops/special/special_names.h"

namespace ferryman {

namespace {

using special::Scaled;

constexpr std::array kUnaries = {
    SpecialUnary{ops::kLgamma, "lgamma_to_arithmetic", "log |gamma(x)|",
                 [](double x) { return special::lgamma(x); },
                 [](const Expression& x) { return special::lgamma(x); }},
    SpecialUnary{ops::kDigamma, "digamma_to_arithmetic", "derivative of log gamma(x)",
                 [](double x) { return special::digamma(x); },
                 [](const Expression& x) { return special::digamma(x); }},
    SpecialUnary{ops::kErfinv, "erfinv_to_arithmetic", "inverse of erf",
                 [](double x) { return special::erfinv(x); },
                 [](const Expression& x) { return special::erfinv(x); }},
    SpecialUnary{ops::kErfcx, "erfcx_to_arithmetic", "exp(x^2) erfc(x)",
                 [](double x) { return special::erfcx(x); },
                 [](const Expression& x) { return special::erfcx(x); }},
    SpecialUnary{ops::kNdtri, "ndtri_to_arithmetic", "inverse of the normal distribution",
                 [](double x) { return special::ndtri(x); },
                 [](const Expression& x) { return special::ndtri(x); }},
    SpecialUnary{ops::kLogNdtr, "log_ndtr_to_arithmetic", "logarithm of the normal distribution",
                 [](double x) { return special::log_ndtr(x); },
                 [](const Expression& x) { return special::log_ndtr(x); }},
    SpecialUnary{ops::kBesselI0, "bessel_i0_to_arithmetic", "modified Bessel function I0",
                 [](double x) { return special::bessel_i0<Scaled::kNo>(x); },
                 [](const Expression& x) { return special::bessel_i0<Scaled::kNo>(x); }},
    SpecialUnary{ops::kBesselI1, "bessel_i1_to_arithmetic", "modified Bessel function I1",
                 [](double x) { return special::bessel_i1<Scaled::kNo>(x); },
                 [](const Expression& x) { return special::bessel_i1<Scaled::kNo>(x); }},
    SpecialUnary{ops::kBesselI0e, "bessel_i0e_to_arithmetic", "exp(-|x|) I0(x)",
                 [](double x) { return special::bessel_i0<Scaled::kYes>(x); },
                 [](const Expression& x) { return special::bessel_i0<Scaled::kYes>(x); }},
    SpecialUnary{ops::kBesselI1e, "bessel_i1e_to_arithmetic", "exp(-|x|) I1(x)",
                 [](double x) { return special::bessel_i1<Scaled::kYes>(x); },
                 [](const Expression& x) { return special::bessel_i1<Scaled::kYes>(x); }},
    SpecialUnary{ops::kBesselJ0, "bessel_j0_to_arithmetic", "Bessel function J0",
                 [](double x) { return special::bessel_j0(x); },
                 [](const Expression& x) { return special::bessel_j0(x); }},
    SpecialUnary{ops::kBesselJ1, "bessel_j1_to_arithmetic", "Bessel function J1",
                 [](double x) { return special::bessel_j1(x); },
                 [](const Expression& x) { return special::bessel_j1(x); }},
    SpecialUnary{ops::kBesselY0, "bessel_y0_to_arithmetic", "Bessel function Y0",
                 [](double x) { return special::bessel_y0(x); },
                 [](const Expression& x) { return special::bessel_y0(x); }},
    SpecialUnary{ops::kBesselY1, "bessel_y1_to_arithmetic", "Bessel function Y1",
                 [](double x) { return special::bessel_y1(x); },
                 [](const Expression& x) { return special::bessel_y1(x); }},
    SpecialUnary{ops::kBesselK0, "bessel_k0_to_arithmetic", "modified Bessel function K0",
                 [](double x) { return special::bessel_k0<Scaled::kNo>(x); },
                 [](const Expression& x) { return special::bessel_k0<Scaled::kNo>(x); }},
    SpecialUnary{ops::kBesselK1, "bessel_k1_to_arithmetic", "modified Bessel function K1",
                 [](double x) { return special::bessel_k1<Scaled::kNo>(x); },
                 [](const Expression& x) { return special::bessel_k1<Scaled::kNo>(x); }},
    SpecialUnary{ops::kBesselK0e, "bessel_k0e_to_arithmetic", "exp(x) K0(x)",
                 [](double x) { return special::bessel_k0<Scaled::kYes>(x); },
                 [](const Expression& x) { return special::bessel_k0<Scaled::kYes>(x); }},
    SpecialUnary{ops::kBesselK1e, "bessel_k1e_to_arithmetic", "exp(x) K1(x)",
                 [](double x) { return special::bessel_k1<Scaled::kYes>(x); },
                 [](const Expression& x) { return special::bessel_k1<Scaled::kYes>(x); }},
    SpecialUnary{ops::kSphericalBesselJ0, "spherical_bessel_j0_to_arithmetic", "sin(x) / x",
                 [](double x) { return special::spherical_bessel_j0(x); },
                 [](const Expression& x) { return special::spherical_bessel_j0(x); }},
    SpecialUnary{ops::kAiryAi, "airy_ai_to_arithmetic", "Airy function Ai",
                 [](double x) { return special::airy_ai(x); },
                 [](const Expression& x) { return special::airy_ai(x); }},
};

constexpr std::array kBinaries = {
    SpecialBinary{ops::kZeta, "zeta_to_arithmetic",
                  "Hurwitz zeta function: the sum of (other + k)^-x over k >= 0",
                  [](double x, double y) { return special::zeta(x, y); },
                  [](const Expression& x, const Expression& y) { return special::zeta(x, y); }},
    SpecialBinary{ops::kIgamma, "igamma_to_arithmetic",
                  "regularised lower incomplete gamma function P(x, other)",
                  [](double x, double y) { return special::igamma(x, y); },
                  [](const Expression& x, const Expression& y) { return special::igamma(x, y); }},
    SpecialBinary{ops::kIgammac, "igammac_to_arithmetic",
                  "regularised upper incomplete gamma function Q(x, other)",
                  [](double x, double y) { return special::igammac(x, y); },
                  [](const Expression& x, const Expression& y) { return special::igammac(x, y); }},
};

}  // namespace

std::span<const SpecialUnary> special_unaries() {
  return kUnaries;
}

std::span<const SpecialBinary> special_binaries() {
  return kBinaries;
}

double polygamma_number(int order, double x) {
  return special::polygamma(order, x);
}

Expression polygamma_formula(int order, const Expression& x) {
  return special::polygamma(order, x);
}

}  // namespace ferryman
