// Elementary functions of floating point that have no operator.
#include <cmath>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/match.h"
#include "target/tflite/legalise.h"

namespace ferryman::tflite {

namespace {

// A formula of one operand.
using Formula = ValueId (*)(CoreWriter& write, ValueId x);

Rule formula_rule(std::string_view name, OpName root, Formula formula) {
  const auto apply = [formula](Rewriter& rewriter, OpId id) -> RuleResult {
    const Op op = rewriter.graph().op(id);
    if (!is_floating(rewriter.graph(), op.operands[0])) return {};
    rewriter.insert_before(id);
    CoreWriter write(rewriter);
    rewriter.replace_value(op.result(), formula(write, op.operands[0]));
    return {Outcome::kApplied, {}};
  };
  return {name, {root}, apply, {}};
}

// erf(x) = x * P(x^2) / Q(x^2) for |x| < kErfSaturated, where it is 1 but for half a unit of f32.
// Fitted to a relative error of 5e-7 (least squares on Chebyshev nodes, weights renewed until the
// error is level).
ValueId write_erf(CoreWriter& write, ValueId x) {
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
ValueId write_trunc(CoreWriter& write, ValueId x) {
  return write.mul(write.unary(ops::kSign, x), write.unary(ops::kFloor, write.unary(ops::kAbs, x)));
}

// Only NaN differs from itself.
ValueId write_isnan(CoreWriter& write, ValueId x) {
  return write.binary(ops::kNe, x, x);
}

// With x = k * pi/2 + r, |r| <= pi/4: tan(x) is tan(r), or -1 / tan(r) where k is odd. sin / cos
// would do but for the poles, where the error of COS is as large as its result. pi/2 is taken away
// in three parts; the first two have 11 bits, so that k times them is exact up to k = 2^13 (Cody
// and Waite).
ValueId write_tan(CoreWriter& write, ValueId x) {
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
ValueId write_other_side(CoreWriter& write, ValueId x) {
  const ValueId below = write.add(write.unary(ops::kNeg, x), 1.0);
  return write.unary(ops::kSqrt, write.mul(below, write.add(x, 1.0)));
}

ValueId write_asin(CoreWriter& write, ValueId x) {
  return write.binary(ops::kAtan2, x, write_other_side(write, x));
}

ValueId write_acos(CoreWriter& write, ValueId x) {
  return write.binary(ops::kAtan2, write_other_side(write, x), x);
}

ValueId write_atan(CoreWriter& write, ValueId x) {
  return write.binary(ops::kAtan2, x, 1.0);
}

// expm1(x) is elu(x) below 0, and -elu(-x) * exp(x) above: exact near 0 from both sides.
ValueId write_expm1(CoreWriter& write, ValueId x) {
  const ValueId below = write.unary(ops::kElu, write.binary(ops::kMinimum, x, 0.0));
  const ValueId reflected =
      write.unary(ops::kElu, write.binary(ops::kMinimum, write.unary(ops::kNeg, x), 0.0));
  const ValueId growth = write.unary(ops::kExp, write.unary(ops::kRelu, x));
  return write.sub(below, write.mul(reflected, growth));
}

// With w = 1 + x rounded, log(w) * x / (w - 1) takes back the rounding; x itself where w is 1.
ValueId write_log1p(CoreWriter& write, ValueId x) {
  const ValueId w = write.add(x, 1.0);
  const ValueId kept = write.add(w, -1.0);
  const ValueId exact = write.div(write.mul(write.unary(ops::kLog, w), x), kept);
  return write.where(write.binary(ops::kEq, kept, 0.0), x, exact);
}

// sign(x) * (m + m / (m + 1)) / 2 with m = expm1(|x|)
ValueId write_sinh(CoreWriter& write, ValueId x) {
  const ValueId m = write.unary(ops::kExpm1, write.unary(ops::kAbs, x));
  const ValueId half = write.mul(write.add(m, write.div(m, write.add(m, 1.0))), 0.5);
  return write.mul(write.unary(ops::kSign, x), half);
}

ValueId write_cosh(CoreWriter& write, ValueId x) {
  const ValueId rising = write.unary(ops::kExp, x);
  const ValueId falling = write.unary(ops::kExp, write.unary(ops::kNeg, x));
  return write.mul(write.add(rising, falling), 0.5);
}

// sign(x) * log1p(a + a^2 / (1 + sqrt(a^2 + 1))) with a = |x|
ValueId write_asinh(CoreWriter& write, ValueId x) {
  const ValueId a = write.unary(ops::kAbs, x);
  const ValueId square = write.unary(ops::kSquare, a);
  const ValueId root = write.add(write.unary(ops::kSqrt, write.add(square, 1.0)), 1.0);
  const ValueId grown = write.add(a, write.div(square, root));
  return write.mul(write.unary(ops::kSign, x), write.unary(ops::kLog1p, grown));
}

// log1p(t + sqrt(2 t + t^2)) with t = x - 1
ValueId write_acosh(CoreWriter& write, ValueId x) {
  const ValueId t = write.add(x, -1.0);
  const ValueId root = write.unary(ops::kSqrt, write.mul(t, write.add(t, 2.0)));
  return write.unary(ops::kLog1p, write.add(t, root));
}

// log1p(2 x / (1 - x)) / 2
ValueId write_atanh(CoreWriter& write, ValueId x) {
  const ValueId quotient = write.div(write.mul(x, 2.0), write.add(write.unary(ops::kNeg, x), 1.0));
  return write.mul(write.unary(ops::kLog1p, quotient), 0.5);
}

// rsqrt(x) -> 1 / sqrt(x) where x may be 0: a delegate's RSQRT gives NaN there. What is summed with
// an epsilon, as in norms, stays.
Match<RootOp> match_rsqrt_of_zero(const Graph& graph, OpId root) {
  const ValueId x = graph.op(root).operands[0];
  if (!is_floating(graph, x)) return std::nullopt;
  const OpId sum = graph.producer_if(x, ops::kAdd);
  if (!sum.valid()) return RootOp{root};
  const auto lifts = [&](size_t constant, size_t rest) {
    const std::vector<ValueId>& operands = graph.op(sum).operands;
    const std::optional<double> epsilon = uniform_value(graph, operands[constant]);
    return epsilon.has_value() && *epsilon > 0 && is_non_negative(graph, operands[rest]);
  };
  if (lifts(0, 1) || lifts(1, 0)) return std::nullopt;
  return RootOp{root};
}

void rsqrt_to_reciprocal(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId root = write.unary(ops::kSqrt, op.operands[0]);
  rewriter.replace_value(op.result(), write.unary(ops::kReciprocal, root));
}

// ---- two operands ----

Match<RootOp> match_floats(const Graph& graph, OpId root) {
  if (!is_floating(graph, graph.op(root).operands[0])) return std::nullopt;
  return RootOp{root};
}

// trunc_divide(x, y) -> trunc(x / y)
void trunc_divide_to_trunc(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  rewriter.replace_value(op.result(),
                         write.unary(ops::kTrunc, write.div(op.operands[0], op.operands[1])));
}

// floor_divide(x, y) -> round((x - remainder(x, y)) / y)
// floor(x / y) would be one too large where the quotient rounds up to a whole number. FLOOR_DIV
// fails on a zero divisor.
void floor_divide_to_round(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  const ValueId y = op.operands[1];
  const ValueId whole = write.sub(x, write.binary(ops::kRemainder, x, y));
  rewriter.replace_value(op.result(), write.unary(ops::kRound, write.div(whole, y)));
}

// fmod(x, y) -> sign(x) * remainder(|x|, |y|)
void fmod_to_remainder(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId rest = write.binary(ops::kRemainder, write.unary(ops::kAbs, op.operands[0]),
                                    write.unary(ops::kAbs, op.operands[1]));
  rewriter.replace_value(op.result(), write.mul(write.unary(ops::kSign, op.operands[0]), rest));
}

// ATAN2 reads past the end of operands that it would have to broadcast; STABLEHLO_AND refuses them.
Match<RootOp> match_broadcasting(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Dims& dims = graph.type(op.result()).dims;
  const bool equal =
      graph.type(op.operands[0]).dims == dims && graph.type(op.operands[1]).dims == dims;
  if (equal) return std::nullopt;
  return RootOp{root};
}

void expand_operands(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const Dims dims = write.dims(op.result());
  rewriter.replace_value(op.result(),
                         write.binary(OpName{op.def->name}, write.expand(op.operands[0], dims),
                                      write.expand(op.operands[1], dims)));
}

// pow(x, n) for the exponents that are cheaper, or that delegates take, spelled out.
struct PowConstant {
  OpId op;
  double exponent;
};

Match<PowConstant> match_pow_constant(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<double> exponent = uniform_value(graph, op.operands[1]);
  const bool same_shape = graph.type(op.operands[0]) == graph.type(op.result());
  if (!exponent.has_value() || !same_shape) return std::nullopt;
  const bool is_float = is_floating(graph, op.operands[0]);
  for (const double known : {-2.0, -1.0, -0.5, 0.5, 1.5}) {
    if (*exponent == known && is_float) return PowConstant{root, known};
  }
  constexpr double kMostFactors = 8;
  if (*exponent < 1 || *exponent > kMostFactors || *exponent != std::floor(*exponent))
    return std::nullopt;
  return PowConstant{root, *exponent};
}

// By squaring: x^6 = (x^2) * (x^4).
ValueId write_power(CoreWriter& write, ValueId x, int exponent) {
  ValueId result;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = result.valid() ? write.mul(result, x) : x;
    if (exponent > 1) x = write.mul(x, x);
  }
  return result;
}

void pow_constant_to_products(Rewriter& rewriter, const PowConstant& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  ValueId result;
  if (found.exponent == -2.0) {
    result = write.unary(ops::kReciprocal, write.unary(ops::kSquare, x));
  } else if (found.exponent == -1.0) {
    result = write.unary(ops::kReciprocal, x);
  } else if (found.exponent == -0.5) {
    result = write.unary(ops::kRsqrt, x);
  } else if (found.exponent == 0.5) {
    result = write.unary(ops::kSqrt, x);
  } else if (found.exponent == 1.5) {
    result = write.mul(x, write.unary(ops::kSqrt, x));
  } else {
    result = write_power(write, x, static_cast<int>(found.exponent));
  }
  rewriter.replace_value(op.result(), result);
}

}  // namespace

std::vector<Rule> legal_math_rules() {
  std::vector<Rule> rules = {formula_rule("erf_to_quotient", ops::kErf, write_erf),
                             formula_rule("trunc_to_floor", ops::kTrunc, write_trunc),
                             formula_rule("isnan_to_ne", ops::kIsNan, write_isnan),
                             formula_rule("tan_to_polynomial", ops::kTan, write_tan),
                             formula_rule("asin_to_atan2", ops::kAsin, write_asin),
                             formula_rule("acos_to_atan2", ops::kAcos, write_acos),
                             formula_rule("atan_to_atan2", ops::kAtan, write_atan),
                             formula_rule("expm1_to_elu", ops::kExpm1, write_expm1),
                             formula_rule("log1p_to_log", ops::kLog1p, write_log1p),
                             formula_rule("sinh_to_expm1", ops::kSinh, write_sinh),
                             formula_rule("cosh_to_exp", ops::kCosh, write_cosh),
                             formula_rule("asinh_to_log1p", ops::kAsinh, write_asinh),
                             formula_rule("acosh_to_log1p", ops::kAcosh, write_acosh),
                             formula_rule("atanh_to_log1p", ops::kAtanh, write_atanh)};
  rules.push_back(
      make_rule("trunc_divide_to_trunc", {ops::kTruncDivide}, match_floats, trunc_divide_to_trunc));
  rules.push_back(
      make_rule("floor_divide_to_round", {ops::kFloorDivide}, match_floats, floor_divide_to_round));
  rules.push_back(
      make_rule("rsqrt_to_reciprocal", {ops::kRsqrt}, match_rsqrt_of_zero, rsqrt_to_reciprocal));
  rules.push_back(make_rule("fmod_to_remainder", {ops::kFmod}, match_floats, fmod_to_remainder));
  rules.push_back(make_rule("expand_operands", {ops::kAtan2, ops::kBitwiseAnd}, match_broadcasting,
                            expand_operands));
  rules.push_back(make_rule("pow_constant_to_products", {ops::kPow}, match_pow_constant,
                            pow_constant_to_products));
  return rules;
}

}  // namespace ferryman::tflite
