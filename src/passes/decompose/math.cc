// Elementary functions of floating point, written in more elementary ones.
#include "ops/names.h"
#include "passes/decompose/decompositions.h"

namespace ferryman {

namespace {

// A formula of one operand.
Rule formula(std::string_view name, OpName root, ValueId (*write_formula)(CoreWriter, ValueId)) {
  return only_where(has_floats,
                    decomposition(name, {root}, [write_formula](CoreWriter write, const Op& op) {
                      return write_formula(write, op.operands[0]);
                    }));
}

// erf(x) = x * P(x^2) / Q(x^2) for |x| < kErfSaturated, where it is 1 but for half a unit of f32.
// Fitted to a relative error of 5e-7 (least squares on Chebyshev nodes, weights renewed until the
// error is level).
ValueId write_erf(CoreWriter write, ValueId x) {
  constexpr double kErfSaturated = 3.925;
  const std::vector<double> numerator = {-1.6276958154441744e-06, 0.00029117814992782006,
                                         0.011591340198621054,    0.07692434649405415,
                                         0.39639908097596477,     1.128379015090116};
  const std::vector<double> denominator = {0.002729466212297484, 0.03099441713991488,
                                           0.19642580209593788, 0.6846258992633968, 1.0};
  const ValueId bounded =
      write.binary(ops::kMinimum, write.binary(ops::kMaximum, x, -kErfSaturated), kErfSaturated);
  const ValueId square = write.unary(ops::kSquare, bounded);
  const ValueId quotient =
      write.div(write.polynomial(square, numerator), write.polynomial(square, denominator));
  return write.mul(bounded, quotient);
}

// trunc(x) = sign(x) * floor(|x|)
ValueId write_trunc(CoreWriter write, ValueId x) {
  return write.mul(write.unary(ops::kSign, x), write.unary(ops::kFloor, write.unary(ops::kAbs, x)));
}

// Only NaN differs from itself.
ValueId write_isnan(CoreWriter write, ValueId x) {
  return write.binary(ops::kNe, x, x);
}

// With x = k * pi/2 + r, |r| <= pi/4: tan(x) is tan(r), or -1 / tan(r) where k is odd. sin / cos
// would do but for the poles, where the error of COS is as large as its result. pi/2 is taken away
// in three parts; the first two have 11 bits, so that k times them is exact up to k = 2^13 (Cody
// and Waite).
ValueId write_tan(CoreWriter write, ValueId x) {
  constexpr double kHalfPi = 1.5707963267948966;
  constexpr double kHalfPiParts[] = {1.5703125, 0.0004837512969970703, 7.549790126404332e-08};
  // (tan(r) - r) / r^3 in r^2, fitted to a relative error of 2e-8 of tan(r).
  const std::vector<double> coefficients = {0.009395721392765686, 0.0031027763829034605,
                                            0.024440635729544392, 0.05340839432858885,
                                            0.13338833553722643,  0.3333315556627594};
  const ValueId k = write.unary(ops::kFloor, write.add(write.mul(x, 1 / kHalfPi), 0.5));
  ValueId r = x;
  for (const double part : kHalfPiParts) r = write.sub(r, write.mul(k, part));
  const ValueId square = write.unary(ops::kSquare, r);
  const ValueId cubic = write.mul(write.mul(r, square), write.polynomial(square, coefficients));
  const ValueId tangent = write.add(r, cubic);
  const ValueId even = write.mul(write.unary(ops::kFloor, write.mul(k, 0.5)), 2.0);
  const ValueId is_odd = write.binary(ops::kNe, k, even);
  const ValueId cotangent = write.unary(ops::kNeg, write.unary(ops::kReciprocal, tangent));
  return write.where(is_odd, cotangent, tangent);
}

// sqrt(1 - x^2) without cancellation near 1.
ValueId write_other_side(CoreWriter write, ValueId x) {
  const ValueId below = write.add(write.unary(ops::kNeg, x), 1.0);
  return write.unary(ops::kSqrt, write.mul(below, write.add(x, 1.0)));
}

ValueId write_asin(CoreWriter write, ValueId x) {
  return write.binary(ops::kAtan2, x, write_other_side(write, x));
}

ValueId write_acos(CoreWriter write, ValueId x) {
  return write.binary(ops::kAtan2, write_other_side(write, x), x);
}

ValueId write_atan(CoreWriter write, ValueId x) {
  return write.binary(ops::kAtan2, x, 1.0);
}

// expm1(x) is elu(x) below 0, and -elu(-x) * exp(x) above: exact near 0 from both sides.
ValueId write_expm1(CoreWriter write, ValueId x) {
  const ValueId below = write.unary(ops::kElu, write.binary(ops::kMinimum, x, 0.0));
  const ValueId reflected =
      write.unary(ops::kElu, write.binary(ops::kMinimum, write.unary(ops::kNeg, x), 0.0));
  const ValueId growth = write.unary(ops::kExp, write.unary(ops::kRelu, x));
  return write.sub(below, write.mul(reflected, growth));
}

// With w = 1 + x rounded, log(w) * x / (w - 1) takes back the rounding; x itself where w is 1.
ValueId write_log1p(CoreWriter write, ValueId x) {
  const ValueId w = write.add(x, 1.0);
  const ValueId kept = write.add(w, -1.0);
  const ValueId exact = write.div(write.mul(write.unary(ops::kLog, w), x), kept);
  return write.where(write.binary(ops::kEq, kept, 0.0), x, exact);
}

// sign(x) * (m + m / (m + 1)) / 2 with m = expm1(|x|)
ValueId write_sinh(CoreWriter write, ValueId x) {
  const ValueId m = write.unary(ops::kExpm1, write.unary(ops::kAbs, x));
  const ValueId half = write.mul(write.add(m, write.div(m, write.add(m, 1.0))), 0.5);
  return write.mul(write.unary(ops::kSign, x), half);
}

ValueId write_cosh(CoreWriter write, ValueId x) {
  const ValueId rising = write.unary(ops::kExp, x);
  const ValueId falling = write.unary(ops::kExp, write.unary(ops::kNeg, x));
  return write.mul(write.add(rising, falling), 0.5);
}

// sign(x) * log1p(a + a^2 / (1 + sqrt(a^2 + 1))) with a = |x|
ValueId write_asinh(CoreWriter write, ValueId x) {
  const ValueId a = write.unary(ops::kAbs, x);
  const ValueId square = write.unary(ops::kSquare, a);
  const ValueId root = write.add(write.unary(ops::kSqrt, write.add(square, 1.0)), 1.0);
  const ValueId grown = write.add(a, write.div(square, root));
  return write.mul(write.unary(ops::kSign, x), write.unary(ops::kLog1p, grown));
}

// log1p(t + sqrt(2 t + t^2)) with t = x - 1
ValueId write_acosh(CoreWriter write, ValueId x) {
  const ValueId t = write.add(x, -1.0);
  const ValueId root = write.unary(ops::kSqrt, write.mul(t, write.add(t, 2.0)));
  return write.unary(ops::kLog1p, write.add(t, root));
}

// log1p(2 x / (1 - x)) / 2
ValueId write_atanh(CoreWriter write, ValueId x) {
  const ValueId quotient = write.div(write.mul(x, 2.0), write.add(write.unary(ops::kNeg, x), 1.0));
  return write.mul(write.unary(ops::kLog1p, quotient), 0.5);
}

// ---- two operands ----

// trunc_divide(x, y) -> trunc(x / y)
ValueId trunc_divide(CoreWriter write, const Op& op) {
  return write.unary(ops::kTrunc, write.div(op.operands[0], op.operands[1]));
}

// floor_divide(x, y) -> round((x - remainder(x, y)) / y)
// floor(x / y) would be one too large where the quotient rounds up to a whole number. FLOOR_DIV
// fails on a zero divisor.
ValueId floor_divide(CoreWriter write, const Op& op) {
  const ValueId x = op.operands[0];
  const ValueId y = op.operands[1];
  const ValueId whole = write.sub(x, write.binary(ops::kRemainder, x, y));
  return write.unary(ops::kRound, write.div(whole, y));
}

// fmod(x, y) -> sign(x) * remainder(|x|, |y|)
ValueId fmod(CoreWriter write, const Op& op) {
  const ValueId rest = write.binary(ops::kRemainder, write.unary(ops::kAbs, op.operands[0]),
                                    write.unary(ops::kAbs, op.operands[1]));
  return write.mul(write.unary(ops::kSign, op.operands[0]), rest);
}

}  // namespace

std::vector<Rule> math_decompositions() {
  return {formula("erf_to_quotient", ops::kErf, write_erf),
          formula("trunc_to_floor", ops::kTrunc, write_trunc),
          formula("isnan_to_ne", ops::kIsNan, write_isnan),
          formula("tan_to_polynomial", ops::kTan, write_tan),
          formula("asin_to_atan2", ops::kAsin, write_asin),
          formula("acos_to_atan2", ops::kAcos, write_acos),
          formula("atan_to_atan2", ops::kAtan, write_atan),
          formula("expm1_to_elu", ops::kExpm1, write_expm1),
          formula("log1p_to_log", ops::kLog1p, write_log1p),
          formula("sinh_to_expm1", ops::kSinh, write_sinh),
          formula("cosh_to_exp", ops::kCosh, write_cosh),
          formula("asinh_to_log1p", ops::kAsinh, write_asinh),
          formula("acosh_to_log1p", ops::kAcosh, write_acosh),
          formula("atanh_to_log1p", ops::kAtanh, write_atanh),
          only_where(has_floats,
                     decomposition("trunc_divide_to_trunc", {ops::kTruncDivide}, trunc_divide)),
          only_where(has_floats,
                     decomposition("floor_divide_to_round", {ops::kFloorDivide}, floor_divide)),
          only_where(has_floats, decomposition("fmod_to_remainder", {ops::kFmod}, fmod))};
}

}  // namespace ferryman
