// Orthogonal polynomials of a degree that may be known at run time only. Chebyshev's have a closed
// form; the others are their recurrence, unrolled, out of which each element takes its degree.
#include <algorithm>
#include <cmath>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/special/special_arithmetic.h"

namespace ferryman {

namespace {

using special::beside_whole;
using special::kInfinity;
using special::kNaN;

// torch's own limit for Hermite's polynomials in float32, which are NaN beyond. Here it holds for
// all that are unrolled for a degree of run time.
constexpr int64_t kMaxDegree = 128;
// For a degree that stands in the program.
constexpr int64_t kMaxUnrolled = 1024;

// ---- Chebyshev ----

enum class ChebyshevKind { kFirst, kSecond, kThird, kFourth };  // T, U, V, W

// With x = cos(a), d = n, n + 1 or n + 1/2: T = cos(d a), U = sin(d a) / sin(a),
// V = cos(d a) / cos(a / 2), W = sin(d a) / sin(a / 2). Beyond 1 the same with cosh and sinh, where
// V(-x) = (-1)^n W(x).
struct Chebyshev {
  ChebyshevKind kind;
  Expression x;
  Expression n;  // whole
  Expression size = abs(x);
  // (-1)^n
  Expression parity = 1.0 - 4.0 * abs(beside_whole(n * 0.5));

  bool is_cosine() const { return kind == ChebyshevKind::kFirst || kind == ChebyshevKind::kThird; }

  Expression degree() const {
    if (kind == ChebyshevKind::kFirst) return n;
    return n + (kind == ChebyshevKind::kSecond ? 1.0 : 0.5);
  }

  Expression inside() const {
    const Expression root = sqrt((1.0 - x) * (x + 1.0));
    const Expression angle = degree() * atan2(root, x);
    const Expression wave = is_cosine() ? cos(angle) : sin(angle);
    if (kind == ChebyshevKind::kFirst) return wave;
    if (kind == ChebyshevKind::kSecond) return wave / root;
    return wave / sqrt((kind == ChebyshevKind::kThird ? x + 1.0 : 1.0 - x) * 0.5);
  }

  // What cosh or sinh of d a is divided by, for x > 1, or for x < -1 with V and W exchanged.
  Expression divisor() const {
    switch (kind) {
      case ChebyshevKind::kFirst:
        return number_like(x, 1.0);
      case ChebyshevKind::kSecond:
        return sqrt(size - 1.0) * sqrt(size + 1.0);
      case ChebyshevKind::kThird:
        return sqrt((size + where(x < 0.0, -1.0, number_like(x, 1.0))) * 0.5);
      case ChebyshevKind::kFourth:
        return sqrt((size - where(x < 0.0, -1.0, number_like(x, 1.0))) * 0.5);
    }
    return x;
  }

  Expression outside() const {
    const Expression a = log(size + sqrt(size - 1.0) * sqrt(size + 1.0));
    // Divided under the exponential, so that a large dividend does not overflow, and small there,
    // since a delegate's EXP is infinite a little early.
    constexpr double kHeadroom = 16;
    const Expression shift = log(divisor()) + std::log(2 * kHeadroom);
    const Expression grown = exp(degree() * a - shift) * kHeadroom;
    const Expression decayed = exp(-(degree() * a) - shift) * kHeadroom;
    Expression value = is_cosine() ? grown + decayed : grown - decayed;
    const Expression other = is_cosine() ? grown - decayed : grown + decayed;
    if (kind == ChebyshevKind::kThird || kind == ChebyshevKind::kFourth)
      value = where(x < 0.0, other, value);
    value = where(x < 0.0, parity * value, value);
    // torch's recurrence subtracts infinities from the second step after an overflow on.
    const Expression two_before = exp((degree() - 2.0) * a - shift) * kHeadroom;
    return where(two_before == kInfinity, kNaN, value);
  }

  Expression at_one() const {
    const Expression one = number_like(x, 1.0);
    const Expression many = n * 2.0 + 1.0;
    switch (kind) {
      case ChebyshevKind::kFirst:
        return where(x > 0.0, one, parity);
      case ChebyshevKind::kSecond:
        return where(x > 0.0, one, parity) * (n + 1.0);
      case ChebyshevKind::kThird:
        return where(x > 0.0, one, parity * many);
      case ChebyshevKind::kFourth:
        return where(x > 0.0, many, parity);
    }
    return one;
  }

  Expression value() const {
    Expression value = where(size < 1.0, inside(), outside());
    value = where(size == 1.0, at_one(), value);
    value = where(isnan(x), kNaN, value);
    value = where(n == 0.0, 1.0, value);
    return where(n < 0.0, 0.0, value);
  }
};

enum class Argument { kPlain, kShifted };  // x, 2 x - 1

// Both operands in floating point, the degree without its fraction.
Result<std::vector<Expression>> point_and_degree(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"x", "n"}, Promotion::kCommonFloat));
  const CoreWriter write = call.writer();
  return std::vector{Expression(write, x[0]), trunc(Expression(write, x[1]))};
}

template <ChebyshevKind kKind, Argument kArgument>
Imported import_chebyshev(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<Expression> given, point_and_degree(call));
  const Expression x = kArgument == Argument::kShifted ? given[0] + given[0] - 1.0 : given[0];
  return std::vector{Chebyshev{kKind, x, given[1]}.value().value()};
}

// ---- recurrences ----

// A family with P0 = 1.
struct ThreeTermRecurrence {
  Expression (*first)(const Expression& x);  // P1
  // P(k) of x, P(k - 1) and P(k - 2)
  Expression (*next)(double k, const Expression& x, const Expression& q, const Expression& p);
};

constexpr ThreeTermRecurrence kHermiteH = {
    [](const Expression& x) { return x + x; },
    [](double k, const Expression& x, const Expression& q, const Expression& p) {
      return (x + x) * q - (2 * k - 2) * p;
    }};
constexpr ThreeTermRecurrence kHermiteHe = {
    [](const Expression& x) { return x; }, [](double k, const Expression& x, const Expression& q,
                                              const Expression& p) { return x * q - (k - 1) * p; }};
constexpr ThreeTermRecurrence kLaguerre = {
    [](const Expression& x) { return 1.0 - x; },
    [](double k, const Expression& x, const Expression& q, const Expression& p) {
      return (((2 * k - 1) - x) * q - (k - 1) * p) / k;
    }};
constexpr ThreeTermRecurrence kLegendre = {
    [](const Expression& x) { return x; },
    [](double k, const Expression& x, const Expression& q, const Expression& p) {
      return ((2 * k - 1) * x * q - (k - 1) * p) / k;
    }};

// Up to which degree a program needs the recurrence: its own, if it is written there.
Result<int64_t> highest_degree(ImportContext& call) {
  const ImportArg* n = call.find("n");
  if (n == nullptr || std::holds_alternative<ValueId>(n->value)) return kMaxDegree;
  FERRYMAN_TRY(const double degree, call.number("n"));
  if (!(degree <= kMaxUnrolled)) return call.unsupported("a degree above 1024");
  return static_cast<int64_t>(std::max(degree, 0.0));
}

template <const ThreeTermRecurrence& kFamily>
Imported import_recurrence(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<Expression> given, point_and_degree(call));
  FERRYMAN_TRY(const int64_t highest, highest_degree(call));
  const bool is_hermite = &kFamily == &kHermiteH || &kFamily == &kHermiteHe;
  const Expression& x = given[0];
  const Expression& n = given[1];
  Expression before = number_like(x, 1.0);
  Expression last = kFamily.first(x);
  Expression value = where(n == 1.0, last, where(n == 0.0, before, 0.0));
  for (int64_t degree = 2; degree <= highest; ++degree) {
    const auto k = static_cast<double>(degree);
    const Expression next = kFamily.next(k, x, last, before);
    value = where(n == k, next, value);
    before = last;
    last = next;
  }
  const int64_t limit = is_hermite ? kMaxDegree : std::max(highest, kMaxDegree);
  return std::vector{where(n > static_cast<double>(limit), kNaN, value).value()};
}

}  // namespace

void add_special_polynomial_ops(Ops& ops) {
  ImportTable& imports = ops.imports;
  imports.add({"special_chebyshev_polynomial_t.default", "special_chebyshev_polynomial_t.x_scalar",
               "special_chebyshev_polynomial_t.n_scalar"},
              import_chebyshev<ChebyshevKind::kFirst, Argument::kPlain>);
  imports.add({"special_chebyshev_polynomial_u.default", "special_chebyshev_polynomial_u.x_scalar",
               "special_chebyshev_polynomial_u.n_scalar"},
              import_chebyshev<ChebyshevKind::kSecond, Argument::kPlain>);
  imports.add({"special_chebyshev_polynomial_v.default", "special_chebyshev_polynomial_v.x_scalar",
               "special_chebyshev_polynomial_v.n_scalar"},
              import_chebyshev<ChebyshevKind::kThird, Argument::kPlain>);
  imports.add({"special_chebyshev_polynomial_w.default", "special_chebyshev_polynomial_w.x_scalar",
               "special_chebyshev_polynomial_w.n_scalar"},
              import_chebyshev<ChebyshevKind::kFourth, Argument::kPlain>);
  imports.add({"special_shifted_chebyshev_polynomial_t.default",
               "special_shifted_chebyshev_polynomial_t.x_scalar",
               "special_shifted_chebyshev_polynomial_t.n_scalar"},
              import_chebyshev<ChebyshevKind::kFirst, Argument::kShifted>);
  imports.add({"special_shifted_chebyshev_polynomial_u.default",
               "special_shifted_chebyshev_polynomial_u.x_scalar",
               "special_shifted_chebyshev_polynomial_u.n_scalar"},
              import_chebyshev<ChebyshevKind::kSecond, Argument::kShifted>);
  imports.add({"special_shifted_chebyshev_polynomial_v.default",
               "special_shifted_chebyshev_polynomial_v.x_scalar",
               "special_shifted_chebyshev_polynomial_v.n_scalar"},
              import_chebyshev<ChebyshevKind::kThird, Argument::kShifted>);
  imports.add({"special_shifted_chebyshev_polynomial_w.default",
               "special_shifted_chebyshev_polynomial_w.x_scalar",
               "special_shifted_chebyshev_polynomial_w.n_scalar"},
              import_chebyshev<ChebyshevKind::kFourth, Argument::kShifted>);
  imports.add({"special_hermite_polynomial_h.default", "special_hermite_polynomial_h.x_scalar",
               "special_hermite_polynomial_h.n_scalar"},
              import_recurrence<kHermiteH>);
  imports.add({"special_hermite_polynomial_he.default", "special_hermite_polynomial_he.x_scalar",
               "special_hermite_polynomial_he.n_scalar"},
              import_recurrence<kHermiteHe>);
  imports.add({"special_laguerre_polynomial_l.default", "special_laguerre_polynomial_l.x_scalar",
               "special_laguerre_polynomial_l.n_scalar"},
              import_recurrence<kLaguerre>);
  imports.add({"special_legendre_polynomial_p.default", "special_legendre_polynomial_p.x_scalar",
               "special_legendre_polynomial_p.n_scalar"},
              import_recurrence<kLegendre>);
}

}  // namespace ferryman
