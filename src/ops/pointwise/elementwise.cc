// Elementwise ops of one operand.
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/nan_guard.h"
#include "ops/promote.h"
#include "ops/promoted_import.h"

namespace ferryman {

namespace {

struct UnaryRow {
  OpName name;
  std::string_view doc;
  double (*real)(double);
};

double sign_of(double x) {
  return std::isnan(x) ? x : static_cast<double>((x > 0) - (x < 0));
}

// Integers become float32 first, as torch does.
constexpr std::array kFloatRows = {
    UnaryRow{ops::kExp, "e to the x", [](double x) { return std::exp(x); }},
    UnaryRow{ops::kLog, "natural logarithm", [](double x) { return std::log(x); }},
    UnaryRow{ops::kSqrt, "square root", [](double x) { return std::sqrt(x); }},
    UnaryRow{ops::kRsqrt, "1 / sqrt(x)", [](double x) { return 1 / std::sqrt(x); }},
    UnaryRow{ops::kReciprocal, "1 / x", [](double x) { return 1 / x; }},
    UnaryRow{ops::kSin, "sine", [](double x) { return std::sin(x); }},
    UnaryRow{ops::kCos, "cosine", [](double x) { return std::cos(x); }},
    UnaryRow{ops::kTan, "tangent", [](double x) { return std::tan(x); }},
    UnaryRow{ops::kAsin, "inverse sine", [](double x) { return std::asin(x); }},
    UnaryRow{ops::kAcos, "inverse cosine", [](double x) { return std::acos(x); }},
    UnaryRow{ops::kAtan, "inverse tangent", [](double x) { return std::atan(x); }},
    UnaryRow{ops::kSinh, "hyperbolic sine", [](double x) { return std::sinh(x); }},
    UnaryRow{ops::kCosh, "hyperbolic cosine", [](double x) { return std::cosh(x); }},
    UnaryRow{ops::kAsinh, "inverse hyperbolic sine", [](double x) { return std::asinh(x); }},
    UnaryRow{ops::kAcosh, "inverse hyperbolic cosine", [](double x) { return std::acosh(x); }},
    UnaryRow{ops::kAtanh, "inverse hyperbolic tangent", [](double x) { return std::atanh(x); }},
    UnaryRow{ops::kLog1p, "log(1 + x), exact near 0", [](double x) { return std::log1p(x); }},
    UnaryRow{ops::kExpm1, "exp(x) - 1, exact near 0", [](double x) { return std::expm1(x); }},
    UnaryRow{ops::kErf, "error function", [](double x) { return std::erf(x); }},
};

// Integers stay as they are, so the op is left out for them.
constexpr std::array kRoundingRows = {
    UnaryRow{ops::kFloor, "rounded down", [](double x) { return std::floor(x); }},
    UnaryRow{ops::kCeil, "rounded up", [](double x) { return std::ceil(x); }},
    UnaryRow{ops::kRound, "rounded, half to even", [](double x) { return std::nearbyint(x); }},
    UnaryRow{ops::kTrunc, "rounded towards 0", [](double x) { return std::trunc(x); }},
};

void define_unary(Ops& ops, const UnaryRow& row) {
  ops.set.define(row.name)
      .doc(row.doc)
      .operand("x", DTypeSet::kFloating)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary(row.real));
}

int64_t wrapping_negate(int64_t x) {
  return static_cast<int64_t>(-static_cast<uint64_t>(x));
}
int64_t wrapping_square(int64_t x) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) * static_cast<uint64_t>(x));
}

void define_numeric_rows(Ops& ops) {
  ops.set.define(ops::kAbs)
      .doc("|x|")
      .operand("x", DTypeSet::kNumeric)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary([](double x) { return std::fabs(x); },
                       [](int64_t x) { return x < 0 ? wrapping_negate(x) : x; }));
  ops.set.define(ops::kNeg)
      .doc("-x")
      .operand("x", DTypeSet::kNumeric)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary([](double x) { return -x; }, wrapping_negate))
      .from_aten({"neg.default", "negative.default"});
  ops.set.define(ops::kSign)
      .doc("-1, 0 or 1")
      .operand("x", DTypeSet::kNumeric)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary(sign_of, [](int64_t x) { return int64_t{(x > 0) - (x < 0)}; }));
  ops.set.define(ops::kSquare)
      .doc("x * x")
      .operand("x", DTypeSet::kNumeric)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary([](double x) { return x * x; }, wrapping_square));
  ops.set.define(ops::kIsNan)
      .doc("whether x is not a number")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kGuard, false)
      .result(same_shape_bool)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary([](double x) { return std::isnan(x) ? 1.0 : 0.0; }));
}

Result<ValueId> float_operand(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self"}, Promotion::kCommonFloat));
  return x.front();
}

bool holds_whole_numbers(CoreWriter write, ValueId x) {
  const DType dtype = write.dtype(x);
  return is_integer(dtype) || dtype == DType::kBool;
}

// Whole numbers stay what they are.
template <const OpName& kOp>
Imported import_unless_whole(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (holds_whole_numbers(write, x)) return std::vector{x};
  return one_result(write.unary(kOp, x));
}

template <const OpName& kOp>
Imported import_unless_bool(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (write.dtype(x) == DType::kBool) return std::vector{x};
  return one_result(write.unary(kOp, x));
}

Imported import_square(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  // torch computes pow(x, 2), which makes an int64 of a bool.
  const ValueId number =
      write.cast(x, write.dtype(x) == DType::kBool ? DType::kI64 : write.dtype(x));
  return one_result(write.square(number));
}

Imported import_round_decimals(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t decimals, call.integer("decimals", 0));
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(x);
  if (!is_floating(dtype)) return call.unsupported("decimals of whole numbers");
  const ValueId scale =
      write.scalar(dtype, std::pow(10.0, std::fabs(static_cast<double>(decimals))));
  const OpName forth = decimals < 0 ? ops::kDiv : ops::kMul;
  const OpName back = decimals < 0 ? ops::kMul : ops::kDiv;
  const ValueId rounded = write.unary(ops::kRound, write.binary(forth, x, scale));
  return one_result(write.binary(back, rounded, scale));
}

ValueId times(CoreWriter write, ValueId x, double factor) {
  return write.mul(x, write.scalar(write.dtype(x), factor));
}

Imported import_log2(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, float_operand(call));
  const CoreWriter write = call.writer();
  const ValueId log = write.log(x);
  return one_result(times(write, log, std::numbers::log2e));
}

Imported import_log10(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, float_operand(call));
  const CoreWriter write = call.writer();
  const ValueId log = write.log(x);
  return one_result(times(write, log, std::numbers::log10e));
}

Imported import_exp2(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, float_operand(call));
  const CoreWriter write = call.writer();
  return one_result(write.binary(ops::kPow, write.scalar(write.dtype(x), 2), x));
}

Imported import_deg2rad(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, float_operand(call));
  return one_result(times(call.writer(), x, std::numbers::pi / 180));
}

Imported import_rad2deg(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, float_operand(call));
  return one_result(times(call.writer(), x, 180 / std::numbers::pi));
}

Imported import_frac(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (holds_whole_numbers(write, x)) return call.unsupported("frac of whole numbers");
  const ValueId whole = write.unary(ops::kTrunc, x);
  return one_result(write.sub(x, whole));
}

// log(x / (1 - x)), with x kept in [eps, 1 - eps] if eps is given.
Imported import_logit(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, float_operand(call));
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(x);
  if (call.given("eps")) {
    FERRYMAN_TRY(const double eps, call.number("eps"));
    x = write.op(ops::kClamp, {x}, {{attr::kMin, eps}, {attr::kMax, 1 - eps}});
  }
  const ValueId odds = write.div(x, write.sub(write.scalar(dtype, 1), x));
  return one_result(write.log(odds));
}

// sin(pi x) / (pi x), and 1 at 0.
Imported import_sinc(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, float_operand(call));
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(x);
  const ValueId angle = times(write, x, std::numbers::pi);
  const ValueId quotient = write.div(write.unary(ops::kSin, angle), angle);
  const ValueId at_zero = write.binary(ops::kEq, x, write.scalar(dtype, 0));
  return one_result(write.where(at_zero, write.scalar(dtype, 1), quotient));
}

Imported import_erfc(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, float_operand(call));
  const CoreWriter write = call.writer();
  const ValueId erf = write.unary(ops::kErf, x);
  return one_result(write.sub(write.scalar(write.dtype(x), 1), erf));
}

// A bool tensor of the operand's shape: what a test on whole numbers always says.
Imported constant_answer(ImportContext& call, ValueId x, bool answer) {
  const CoreWriter write = call.writer();
  return std::vector{write.filled(DType::kBool, write.dims(x), answer ? 1 : 0, "constant")};
}

Imported import_isnan(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (holds_whole_numbers(write, x)) return constant_answer(call, x, false);
  return one_result(write.unary(ops::kIsNan, x));
}

// Compares with infinity: |x| == inf, or |x| < inf, which is false for NaN.
template <const OpName& kCompare, bool kOfWholeNumbers>
Imported import_magnitude_test(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (holds_whole_numbers(write, x)) return constant_answer(call, x, kOfWholeNumbers);
  const ValueId magnitude = write.abs(x);
  const ValueId infinity = write.scalar(write.dtype(x), std::numeric_limits<double>::infinity());
  return one_result(write.binary(kCompare, magnitude, infinity));
}

template <int kSign>
Imported import_signed_infinity(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (holds_whole_numbers(write, x)) return constant_answer(call, x, false);
  const ValueId infinity =
      write.scalar(write.dtype(x), kSign * std::numeric_limits<double>::infinity());
  return one_result(write.binary(ops::kEq, x, infinity));
}

double largest_finite(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return 65504;
    case DType::kBF16:
      return 0x1.fep127;
    case DType::kF64:
      return std::numeric_limits<double>::max();
    default:
      return std::numeric_limits<float>::max();
  }
}

Imported import_nan_to_num(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(x);
  const double limit = largest_finite(dtype);
  FERRYMAN_TRY(const double nan, call.number("nan", 0));
  FERRYMAN_TRY(const double highest, call.number("posinf", limit));
  FERRYMAN_TRY(const double lowest, call.number("neginf", -limit));
  if (holds_whole_numbers(write, x)) return std::vector{x};
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const ValueId is_high = write.binary(ops::kEq, x, kInfinity);
  const ValueId is_low = write.binary(ops::kEq, x, -kInfinity);
  const ValueId is_nan = write.unary(ops::kIsNan, x);
  x = write.where(is_high, highest, x);
  x = write.where(is_low, lowest, x);
  return one_result(write.where(is_nan, nan, x));
}

Imported import_identity(ImportContext& call) {
  call.ignore("memory_format");
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  return std::vector{x};
}

void add_float_imports(ImportTable& imports) {
  imports.add("exp.default", import_float<ops::kExp>);
  imports.add("log.default", import_float<ops::kLog>);
  imports.add("sqrt.default", import_float<ops::kSqrt>);
  imports.add("rsqrt.default", import_float<ops::kRsqrt>);
  imports.add("reciprocal.default", import_float<ops::kReciprocal>);
  imports.add("sin.default", import_float<ops::kSin>);
  imports.add("cos.default", import_float<ops::kCos>);
  imports.add("tan.default", import_float<ops::kTan>);
  imports.add({"asin.default", "arcsin.default"}, import_float<ops::kAsin>);
  imports.add({"acos.default", "arccos.default"}, import_float<ops::kAcos>);
  imports.add({"atan.default", "arctan.default"}, import_float<ops::kAtan>);
  imports.add("sinh.default", import_float<ops::kSinh>);
  imports.add("cosh.default", import_float<ops::kCosh>);
  imports.add({"asinh.default", "arcsinh.default"}, import_float<ops::kAsinh>);
  imports.add({"acosh.default", "arccosh.default"}, import_float<ops::kAcosh>);
  imports.add({"atanh.default", "arctanh.default"}, import_float<ops::kAtanh>);
  imports.add({"log1p.default", "special_log1p.default"}, import_float<ops::kLog1p>);
  imports.add({"expm1.default", "special_expm1.default"}, import_float<ops::kExpm1>);
  imports.add({"erf.default", "special_erf.default"}, import_float<ops::kErf>);
}

void add_derived_imports(ImportTable& imports) {
  imports.add({"erfc.default", "special_erfc.default"}, import_erfc);
  imports.add("log2.default", import_log2);
  imports.add("log10.default", import_log10);
  imports.add({"exp2.default", "special_exp2.default"}, import_exp2);
  imports.add("deg2rad.default", import_deg2rad);
  imports.add("rad2deg.default", import_rad2deg);
  imports.add("frac.default", import_frac);
  imports.add({"logit.default", "special_logit.default"}, import_logit);
  imports.add({"sinc.default", "special_sinc.default"}, import_sinc);
  imports.add("nan_to_num.default", import_nan_to_num);
  imports.add("square.default", import_square);
  imports.add("round.decimals", import_round_decimals);
}

void add_identity_imports(ImportTable& imports) {
  imports.add(
      {"clone.default", "contiguous.default", "detach.default", "detach_copy.default",
       "alias.default", "alias_copy.default", "lift_fresh_copy.default", "lift_fresh.default",
       "lift.default", "positive.default", "resolve_conj.default", "resolve_neg.default"},
      import_identity);
}

}  // namespace

ValueId emit_nan_guard(CoreWriter write, ValueId x) {
  return write.op(ops::kIsNan, {x}, {{attr::kGuard, true}});
}

void add_elementwise_ops(Ops& ops) {
  for (const UnaryRow& row : kFloatRows) define_unary(ops, row);
  for (const UnaryRow& row : kRoundingRows) define_unary(ops, row);
  define_numeric_rows(ops);

  add_float_imports(ops.imports);
  add_derived_imports(ops.imports);
  add_identity_imports(ops.imports);
  ops.imports.add("floor.default", import_unless_whole<ops::kFloor>);
  ops.imports.add("ceil.default", import_unless_whole<ops::kCeil>);
  ops.imports.add({"round.default", "special_round.default"}, import_unless_whole<ops::kRound>);
  ops.imports.add({"trunc.default", "fix.default"}, import_unless_whole<ops::kTrunc>);
  ops.imports.add({"abs.default", "absolute.default"}, import_unless_bool<ops::kAbs>);
  ops.imports.add({"sign.default", "sgn.default"}, import_unless_bool<ops::kSign>);
  ops.imports.add("isnan.default", import_isnan);
  ops.imports.add("isinf.default", import_magnitude_test<ops::kEq, false>);
  ops.imports.add("isfinite.default", import_magnitude_test<ops::kLt, true>);
  ops.imports.add("isposinf.default", import_signed_infinity<1>);
  ops.imports.add("isneginf.default", import_signed_infinity<-1>);
}

}  // namespace ferryman
