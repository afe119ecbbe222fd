// Functions of one complex number.
#include <cmath>
#include <numbers>

#include "frontend/complex/complex_table.h"
#include "frontend/complex/formula.h"

namespace ferryman::frontend {

namespace {

// A formula for a function whose result is complex.
using ComplexFormula = ComplexValue (*)(const Formula&, const ComplexValue&);
template <ComplexFormula kFormula>
ComplexImported import_function(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  const Formula f(call.writer());
  return complex_result(kFormula(f, z));
}

// The same for a real result.
using RealFormula = ValueId (*)(const Formula&, const ComplexValue&);
template <RealFormula kFormula>
ComplexImported import_measure(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  const Formula f(call.writer());
  return real_result(kFormula(f, z));
}

ValueId exp(const Formula& f, ValueId x) {
  return f.exp(x);
}

ComplexValue reciprocal(const Formula& f, const ComplexValue& z) {
  return f.div({f.scalar(z.real, 1), {}, {}}, z);
}

ComplexValue square(const Formula& f, const ComplexValue& z) {
  return f.mul(z, z);
}

ComplexValue exponential(const Formula& f, const ComplexValue& z) {
  return f.polar(exp(f, z.real), z.imag);
}

ComplexValue exponential_2(const Formula& f, const ComplexValue& z) {
  return exponential(f, f.mul(z, std::numbers::ln2));
}

ComplexValue logarithm(const Formula& f, const ComplexValue& z) {
  return {f.unary(ops::kLog, f.abs(z)), f.angle(z), {}};
}

ComplexValue logarithm_2(const Formula& f, const ComplexValue& z) {
  return f.mul(logarithm(f, z), 1 / std::numbers::ln2);
}

ComplexValue logarithm_10(const Formula& f, const ComplexValue& z) {
  return f.mul(logarithm(f, z), 1 / std::numbers::ln10);
}

// The root with a real part >= 0: the larger part from |z| + |re|, which does not cancel, the other
// from it. On the left half the parts change places.
ComplexValue square_root(const Formula& f, const ComplexValue& z) {
  const ValueId zero = f.scalar(z.real, 0);
  const ValueId distance = f.abs(z.real);
  const ValueId large = f.sqrt(f.mul(f.add(f.abs(z), distance), 0.5));
  const ValueId is_zero = f.binary(ops::kEq, large, zero);
  const ValueId divisor = f.where(is_zero, f.scalar(z.real, 1), large);
  const ValueId small = f.mul(f.div(f.abs(z.imag), divisor), 0.5);
  const ValueId is_left = f.binary(ops::kLt, z.real, zero);
  const ValueId imag = f.where(is_left, large, small);
  const ValueId is_below = f.binary(ops::kLt, z.imag, zero);
  return {f.where(is_left, small, large), f.where(is_below, f.neg(imag), imag), {}};
}

ComplexValue reciprocal_root(const Formula& f, const ComplexValue& z) {
  return reciprocal(f, square_root(f, z));
}

ComplexValue sine(const Formula& f, const ComplexValue& z) {
  return {f.mul(f.unary(ops::kSin, z.real), f.unary(ops::kCosh, z.imag)),
          f.mul(f.unary(ops::kCos, z.real), f.unary(ops::kSinh, z.imag)),
          {}};
}

ComplexValue cosine(const Formula& f, const ComplexValue& z) {
  return {f.mul(f.unary(ops::kCos, z.real), f.unary(ops::kCosh, z.imag)),
          f.neg(f.mul(f.unary(ops::kSin, z.real), f.unary(ops::kSinh, z.imag))),
          {}};
}

ComplexValue hyperbolic_sine(const Formula& f, const ComplexValue& z) {
  return {f.mul(f.unary(ops::kSinh, z.real), f.unary(ops::kCos, z.imag)),
          f.mul(f.unary(ops::kCosh, z.real), f.unary(ops::kSin, z.imag)),
          {}};
}

ComplexValue hyperbolic_cosine(const Formula& f, const ComplexValue& z) {
  return {f.mul(f.unary(ops::kCosh, z.real), f.unary(ops::kCos, z.imag)),
          f.mul(f.unary(ops::kSinh, z.real), f.unary(ops::kSin, z.imag)),
          {}};
}

// tanh(x + iy) = (t (1 + u^2) + i u (1 - t^2)) / (1 + t^2 u^2), t = tanh x, u = tan y; written with
// sin and cos, which have no poles.
ComplexValue hyperbolic_tangent(const Formula& f, const ComplexValue& z) {
  const ValueId t = f.unary(ops::kTanh, z.real);
  const ValueId s = f.unary(ops::kSin, z.imag);
  const ValueId c = f.unary(ops::kCos, z.imag);
  const ValueId size = f.add(f.square(c), f.square(f.mul(t, s)));
  const ValueId one = f.scalar(t, 1);
  // 1 - tanh^2, which is lost to rounding where tanh is near 1.
  const ValueId slope = f.div(one, f.square(f.unary(ops::kCosh, z.real)));
  return {f.div(t, size), f.div(f.mul(f.mul(s, c), slope), size), {}};
}

ComplexValue tangent(const Formula& f, const ComplexValue& z) {
  const ComplexValue turned = hyperbolic_tangent(f, f.times_i(z));  // tan z = -i tanh(i z)
  return {turned.imag, f.neg(turned.real), {}};
}

// 1 / (1 + exp(-z))
ComplexValue sigmoid(const Formula& f, const ComplexValue& z) {
  const ComplexValue power = exponential(f, {f.neg(z.real), f.neg(z.imag), {}});
  return reciprocal(f, {f.add(power.real, f.scalar(z.real, 1)), power.imag, {}});
}

// z / |z|; 0 stays.
ComplexValue direction(const Formula& f, const ComplexValue& z) {
  const ValueId size = f.abs(z);
  const ValueId divisor = f.where(f.binary(ops::kEq, size, 0), 1, size);
  return {f.div(z.real, divisor), f.div(z.imag, divisor), {}};
}

ValueId magnitude(const Formula& f, const ComplexValue& z) {
  return f.abs(z);
}

ValueId angle(const Formula& f, const ComplexValue& z) {
  return f.angle(z);
}

ValueId is_real(const Formula& f, const ComplexValue& z) {
  return f.binary(ops::kEq, z.imag, 0);
}

ValueId is_nan(const Formula& f, const ComplexValue& z) {
  return f.binary(ops::kLogicalOr, f.unary(ops::kIsNan, z.real), f.unary(ops::kIsNan, z.imag));
}

ValueId is_infinite(const Formula& f, const ComplexValue& z) {
  const auto test = [&](ValueId x) { return f.binary(ops::kEq, f.abs(x), f.scalar(x, HUGE_VAL)); };
  return f.binary(ops::kLogicalOr, test(z.real), test(z.imag));
}

ValueId is_finite(const Formula& f, const ComplexValue& z) {
  const auto test = [&](ValueId x) { return f.binary(ops::kLt, f.abs(x), f.scalar(x, HUGE_VAL)); };
  return f.binary(ops::kLogicalAnd, test(z.real), test(z.imag));
}

ValueId is_not_zero(const Formula& f, const ComplexValue& z) {
  const ValueId zero = f.scalar(z.real, 0);
  return f.binary(ops::kLogicalOr, f.binary(ops::kNe, z.real, zero),
                  f.binary(ops::kNe, z.imag, zero));
}

ValueId is_zero(const Formula& f, const ComplexValue& z) {
  return f.unary(ops::kLogicalNot, is_not_zero(f, z));
}

// Norms look at the magnitudes only.
template <RealFormula kFormula>
ComplexImported import_of_measure(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  const Formula f(call.writer());
  FERRYMAN_TRY(const std::vector<ValueId> results, call.run_with("self", kFormula(f, z)));
  return std::vector<RealOrComplex>(results.begin(), results.end());
}

// The angle of a real number: 0 or pi; NaN stays.
ComplexImported import_angle(ComplexCall& call) {
  if (call.is_complex("self")) return import_measure<angle>(call);
  FERRYMAN_TRY(const ComplexValue x, call.real_or_complex("self"));
  const Formula f(call.writer());
  const ValueId is_below = f.binary(ops::kLt, x.real, f.scalar(x.real, 0));
  const ValueId angle = f.where(is_below, f.scalar(x.real, std::numbers::pi), f.zeros_like(x.real));
  return real_result(f.where(f.unary(ops::kIsNan, x.real), x.real, angle));
}

ComplexImported import_isreal(ComplexCall& call) {
  if (call.is_complex("self")) return import_measure<is_real>(call);
  FERRYMAN_TRY(const ValueId x, call.context().tensor("self"));
  const CoreWriter write = call.writer();
  return real_result(write.filled(DType::kBool, write.dims(x), 1, "isreal"));
}

void add_measures(ComplexTable& table) {
  table.add({"abs.default", "absolute.default"}, import_measure<magnitude>);
  table.add({"angle.default"}, import_angle);
  table.add({"isreal.default"}, import_isreal);
  table.add({"isnan.default"}, import_measure<is_nan>);
  table.add({"isinf.default"}, import_measure<is_infinite>);
  table.add({"isfinite.default"}, import_measure<is_finite>);
  table.add({"logical_not.default"}, import_measure<is_zero>);
  table.add_lifted({"linalg_vector_norm.default", "norm.Scalar", "norm.ScalarOpt_dim",
                    "norm.ScalarOpt_dim_dtype", "norm.ScalarOpt_dtype"},
                   import_of_measure<magnitude>);
  table.add_lifted({"any.default", "any.dim", "any.dims", "all.default", "all.dim", "all.dims",
                    "count_nonzero.default", "count_nonzero.dim_IntList"},
                   import_of_measure<is_not_zero>);
}

}  // namespace

void add_complex_functions(ComplexTable& table) {
  add_measures(table);
  table.add({"reciprocal.default"}, import_function<reciprocal>);
  table.add({"square.default"}, import_function<square>);
  table.add({"exp.default"}, import_function<exponential>);
  table.add({"exp2.default", "special_exp2.default"}, import_function<exponential_2>);
  table.add({"log.default"}, import_function<logarithm>);
  table.add({"log2.default"}, import_function<logarithm_2>);
  table.add({"log10.default"}, import_function<logarithm_10>);
  table.add({"sqrt.default"}, import_function<square_root>);
  table.add({"rsqrt.default"}, import_function<reciprocal_root>);
  table.add({"sin.default"}, import_function<sine>);
  table.add({"cos.default"}, import_function<cosine>);
  table.add({"tan.default"}, import_function<tangent>);
  table.add({"sinh.default"}, import_function<hyperbolic_sine>);
  table.add({"cosh.default"}, import_function<hyperbolic_cosine>);
  table.add({"tanh.default"}, import_function<hyperbolic_tangent>);
  table.add({"sigmoid.default"}, import_function<sigmoid>);
  table.add({"sgn.default"}, import_function<direction>);
}

}  // namespace ferryman::frontend
