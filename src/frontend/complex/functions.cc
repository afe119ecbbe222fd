// Functions of one complex number.
#include <cmath>
#include <numbers>

#include "frontend/complex/complex_table.h"
#include "frontend/complex/formula.h"

namespace ferryman::frontend {

namespace {

// A formula for a function whose result is complex.
using ComplexFormula = ComplexValue (*)(Formula&, const ComplexValue&);
template <ComplexFormula kFormula>
ComplexImported import_function(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  Formula f(call.context());
  return complex_result(f.result(kFormula(f, z)));
}

// The same for a real result.
using RealFormula = ValueId (*)(Formula&, const ComplexValue&);
template <RealFormula kFormula>
ComplexImported import_measure(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  Formula f(call.context());
  return real_result(f.result(kFormula(f, z)));
}

ValueId exp(Formula& f, ValueId x) {
  return f.op(ops::kExp, {x});
}

ComplexValue reciprocal(Formula& f, const ComplexValue& z) {
  return f.div({f.number(z.real, 1), {}, {}}, z);
}

ComplexValue square(Formula& f, const ComplexValue& z) {
  return f.mul(z, z);
}

ComplexValue exponential(Formula& f, const ComplexValue& z) {
  return f.polar(exp(f, z.real), z.imag);
}

ComplexValue exponential_2(Formula& f, const ComplexValue& z) {
  return exponential(f, f.scaled(z, std::numbers::ln2));
}

ComplexValue logarithm(Formula& f, const ComplexValue& z) {
  return {f.op(ops::kLog, {f.abs(z)}), f.angle(z), {}};
}

ComplexValue logarithm_2(Formula& f, const ComplexValue& z) {
  return f.scaled(logarithm(f, z), 1 / std::numbers::ln2);
}

ComplexValue logarithm_10(Formula& f, const ComplexValue& z) {
  return f.scaled(logarithm(f, z), 1 / std::numbers::ln10);
}

// The root with a real part >= 0: the larger part from |z| + |re|, which does not cancel, the other
// from it. On the left half the parts change places.
ComplexValue square_root(Formula& f, const ComplexValue& z) {
  const ValueId zero = f.number(z.real, 0);
  const ValueId distance = f.op(ops::kAbs, {z.real});
  const ValueId large = f.sqrt(f.scaled(f.add(f.abs(z), distance), 0.5));
  const ValueId is_zero = f.op(ops::kEq, {large, zero});
  const ValueId divisor = f.op(ops::kWhere, {is_zero, f.number(z.real, 1), large});
  const ValueId small = f.scaled(f.div(f.op(ops::kAbs, {z.imag}), divisor), 0.5);
  const ValueId is_left = f.op(ops::kLt, {z.real, zero});
  const ValueId imag = f.op(ops::kWhere, {is_left, large, small});
  const ValueId is_below = f.op(ops::kLt, {z.imag, zero});
  return {f.op(ops::kWhere, {is_left, small, large}),
          f.op(ops::kWhere, {is_below, f.neg(imag), imag}),
          {}};
}

ComplexValue reciprocal_root(Formula& f, const ComplexValue& z) {
  return reciprocal(f, square_root(f, z));
}

ComplexValue sine(Formula& f, const ComplexValue& z) {
  return {f.mul(f.op(ops::kSin, {z.real}), f.op(ops::kCosh, {z.imag})),
          f.mul(f.op(ops::kCos, {z.real}), f.op(ops::kSinh, {z.imag})),
          {}};
}

ComplexValue cosine(Formula& f, const ComplexValue& z) {
  return {f.mul(f.op(ops::kCos, {z.real}), f.op(ops::kCosh, {z.imag})),
          f.neg(f.mul(f.op(ops::kSin, {z.real}), f.op(ops::kSinh, {z.imag}))),
          {}};
}

ComplexValue hyperbolic_sine(Formula& f, const ComplexValue& z) {
  return {f.mul(f.op(ops::kSinh, {z.real}), f.op(ops::kCos, {z.imag})),
          f.mul(f.op(ops::kCosh, {z.real}), f.op(ops::kSin, {z.imag})),
          {}};
}

ComplexValue hyperbolic_cosine(Formula& f, const ComplexValue& z) {
  return {f.mul(f.op(ops::kCosh, {z.real}), f.op(ops::kCos, {z.imag})),
          f.mul(f.op(ops::kSinh, {z.real}), f.op(ops::kSin, {z.imag})),
          {}};
}

// tanh(x + iy) = (t (1 + u^2) + i u (1 - t^2)) / (1 + t^2 u^2), t = tanh x, u = tan y; written with
// sin and cos, which have no poles.
ComplexValue hyperbolic_tangent(Formula& f, const ComplexValue& z) {
  const ValueId t = f.op(ops::kTanh, {z.real});
  const ValueId s = f.op(ops::kSin, {z.imag});
  const ValueId c = f.op(ops::kCos, {z.imag});
  const ValueId size = f.add(f.square(c), f.square(f.mul(t, s)));
  const ValueId one = f.number(t, 1);
  // 1 - tanh^2, which is lost to rounding where tanh is near 1.
  const ValueId slope = f.div(one, f.square(f.op(ops::kCosh, {z.real})));
  return {f.div(t, size), f.div(f.mul(f.mul(s, c), slope), size), {}};
}

ComplexValue tangent(Formula& f, const ComplexValue& z) {
  const ComplexValue turned = hyperbolic_tangent(f, f.times_i(z));  // tan z = -i tanh(i z)
  return {turned.imag, f.neg(turned.real), {}};
}

// 1 / (1 + exp(-z))
ComplexValue sigmoid(Formula& f, const ComplexValue& z) {
  const ComplexValue power = exponential(f, {f.neg(z.real), f.neg(z.imag), {}});
  return reciprocal(f, {f.add(power.real, f.number(z.real, 1)), power.imag, {}});
}

// z / |z|; 0 stays.
ComplexValue direction(Formula& f, const ComplexValue& z) {
  const ValueId size = f.abs(z);
  const ValueId is_zero = f.op(ops::kEq, {size, f.number(size, 0)});
  const ValueId divisor = f.op(ops::kWhere, {is_zero, f.number(size, 1), size});
  return {f.div(z.real, divisor), f.div(z.imag, divisor), {}};
}

ValueId magnitude(Formula& f, const ComplexValue& z) {
  return f.abs(z);
}

ValueId angle(Formula& f, const ComplexValue& z) {
  return f.angle(z);
}

ValueId is_real(Formula& f, const ComplexValue& z) {
  return f.op(ops::kEq, {z.imag, f.number(z.imag, 0)});
}

ValueId is_nan(Formula& f, const ComplexValue& z) {
  return f.op(ops::kLogicalOr, {f.op(ops::kIsNan, {z.real}), f.op(ops::kIsNan, {z.imag})});
}

ValueId is_infinite(Formula& f, const ComplexValue& z) {
  const auto test = [&](ValueId x) {
    return f.op(ops::kEq, {f.op(ops::kAbs, {x}), f.number(x, HUGE_VAL)});
  };
  return f.op(ops::kLogicalOr, {test(z.real), test(z.imag)});
}

ValueId is_finite(Formula& f, const ComplexValue& z) {
  const auto test = [&](ValueId x) {
    return f.op(ops::kLt, {f.op(ops::kAbs, {x}), f.number(x, HUGE_VAL)});
  };
  return f.op(ops::kLogicalAnd, {test(z.real), test(z.imag)});
}

ValueId is_not_zero(Formula& f, const ComplexValue& z) {
  const ValueId zero = f.number(z.real, 0);
  return f.op(ops::kLogicalOr, {f.op(ops::kNe, {z.real, zero}), f.op(ops::kNe, {z.imag, zero})});
}

ValueId is_zero(Formula& f, const ComplexValue& z) {
  return f.op(ops::kLogicalNot, {is_not_zero(f, z)});
}

// Norms look at the magnitudes only.
template <RealFormula kFormula>
ComplexImported import_of_measure(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  Formula f(call.context());
  FERRYMAN_TRY(const ValueId measured, f.result(kFormula(f, z)));
  FERRYMAN_TRY(const std::vector<ValueId> results, call.run_with("self", measured));
  return std::vector<RealOrComplex>(results.begin(), results.end());
}

// The angle of a real number: 0 or pi; NaN stays.
ComplexImported import_angle(ComplexCall& call) {
  if (call.is_complex("self")) return import_measure<angle>(call);
  FERRYMAN_TRY(const ComplexValue x, call.real_or_complex("self"));
  Formula f(call.context());
  const ValueId zero = f.number(x.real, 0);
  const ValueId is_below = f.op(ops::kLt, {x.real, zero});
  const ValueId angle =
      f.op(ops::kWhere, {is_below, f.number(x.real, std::numbers::pi), f.zeros_like(x.real)});
  return real_result(f.result(f.op(ops::kWhere, {f.op(ops::kIsNan, {x.real}), x.real, angle})));
}

ComplexImported import_isreal(ComplexCall& call) {
  if (call.is_complex("self")) return import_measure<is_real>(call);
  FERRYMAN_TRY(const ValueId x, call.context().tensor("self"));
  return real_result(call.context().builder().constant(
      TensorData::filled(DType::kBool, sizes_of(call.context(), x), 1), "isreal"));
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
