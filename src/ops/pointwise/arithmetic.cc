// Arithmetic on two or three operands, broadcasting. Whole numbers wrap around, as in torch.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/promoted_import.h"

namespace ferryman {

namespace {

// ---- evaluation ----

int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrapping_sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t wrapping_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// The smallest number divided by -1 does not fit; it wraps around to itself.
int64_t truncated_quotient(int64_t a, int64_t b) {
  return b == -1 ? wrapping_sub(0, a) : a / b;
}
int64_t truncated_rest(int64_t a, int64_t b) {
  return b == -1 ? 0 : a % b;
}
int64_t floored_rest(int64_t a, int64_t b) {
  const int64_t rest = truncated_rest(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
int64_t floored_quotient(int64_t a, int64_t b) {
  const int64_t quotient = truncated_quotient(a, b);
  const bool rounds_down = truncated_rest(a, b) != 0 && (a < 0) != (b < 0);
  return rounds_down ? quotient - 1 : quotient;
}

double floored_rest_real(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
// Through the rest, so that a quotient just below a whole number is not rounded up to it.
double floored_quotient_real(double a, double b) {
  if (b == 0) return a / b;
  const double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}
// torch rounds the quotient to the operands' precision before it truncates.
double truncated_quotient_real(double a, double b) {
  return std::trunc(static_cast<double>(static_cast<float>(a / b)));
}

int64_t power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    return 0;
  }
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = wrapping_mul(result, base);
    base = wrapping_mul(base, base);
  }
  return result;
}

double larger(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return std::max(a, b);
}
double smaller(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return std::min(a, b);
}

// torch raises for whole numbers divided by zero; there is no value to give.
EvalFn eval_division(double (*real)(double, double), int64_t (*integer)(int64_t, int64_t)) {
  return [divide = eval_binary(real, integer)](const EvalArgs& args) -> EvalResult {
    if (is_integer(args.operand(1).dtype())) {
      const Ints divisors = args.operand(1).to_ints();
      if (std::find(divisors.begin(), divisors.end(), 0) != divisors.end())
        return shape_error("a whole number divided by zero");
    }
    return divide(args);
  };
}

// ---- rows ----

struct BinaryRow {
  OpName name;
  std::string_view doc;
  DTypeSet dtypes;
  EvalFn eval;
};

void define_binary(Ops& ops, const BinaryRow& row) {
  ops.set.define(row.name)
      .doc(row.doc)
      .operand("x", row.dtypes)
      .operand("other", row.dtypes)
      .result(broadcast)
      .axes(AxisRule::kElementwise)
      .eval(row.eval);
}

void define_arithmetic_rows(Ops& ops) {
  const auto real_add = [](double a, double b) { return a + b; };
  const auto real_sub = [](double a, double b) { return a - b; };
  const auto real_mul = [](double a, double b) { return a * b; };
  const auto real_div = [](double a, double b) { return a / b; };
  const auto real_pow = [](double a, double b) { return std::pow(a, b); };
  const auto real_fmod = [](double a, double b) { return std::fmod(a, b); };
  const auto real_atan2 = [](double a, double b) { return std::atan2(a, b); };
  const auto integer_max = [](int64_t a, int64_t b) { return std::max(a, b); };
  const auto integer_min = [](int64_t a, int64_t b) { return std::min(a, b); };
  const auto no_integers = [](int64_t, int64_t) { return int64_t{0}; };
  constexpr DTypeSet kNumeric = DTypeSet::kNumeric;
  constexpr DTypeSet kFloating = DTypeSet::kFloating;
  const std::vector<BinaryRow> rows = {
      {ops::kAdd, "x + other", kNumeric, eval_binary(real_add, wrapping_add)},
      {ops::kSub, "x - other", kNumeric, eval_binary(real_sub, wrapping_sub)},
      {ops::kMul, "x * other", kNumeric, eval_binary(real_mul, wrapping_mul)},
      {ops::kDiv, "x / other, floating point", kFloating, eval_binary(real_div, no_integers)},
      {ops::kFloorDivide, "x / other rounded down", kNumeric,
       eval_division(floored_quotient_real, floored_quotient)},
      {ops::kTruncDivide, "x / other rounded towards 0", kNumeric,
       eval_division(truncated_quotient_real, truncated_quotient)},
      {ops::kRemainder, "x - other * floor(x / other), with the sign of other", kNumeric,
       eval_division(floored_rest_real, floored_rest)},
      {ops::kFmod, "x - other * trunc(x / other), with the sign of x", kNumeric,
       eval_division(real_fmod, truncated_rest)},
      {ops::kPow, "x to the power of other", kNumeric, eval_binary(real_pow, power)},
      {ops::kMaximum, "the larger; NaN if either is", kNumeric, eval_binary(larger, integer_max)},
      {ops::kMinimum, "the smaller; NaN if either is", kNumeric, eval_binary(smaller, integer_min)},
      {ops::kAtan2, "the angle of the point (other, x)", kFloating,
       eval_binary(real_atan2, no_integers)},
  };
  for (const BinaryRow& row : rows) define_binary(ops, row);
}

// ---- import ----

// On bools, + is "or" and * is "and", as is the larger and the smaller.
Imported emit_arithmetic(ImportContext& call, OpName op, OpName on_bools, ValueId a, ValueId b) {
  const CoreWriter write = call.writer();
  return one_result(write.binary(write.dtype(a) == DType::kBool ? on_bools : op, a, b));
}

Imported import_add(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  FERRYMAN_TRY(const ValueId other, scaled_by(call, x[1], "alpha"));
  return emit_arithmetic(call, ops::kAdd, ops::kLogicalOr, x[0], other);
}

Imported import_sub(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  FERRYMAN_TRY(const ValueId other, scaled_by(call, x[1], "alpha"));
  return one_result(call.writer().sub(x[0], other));
}

Imported import_rsub(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"other", "self"}));
  FERRYMAN_TRY(const ValueId self, scaled_by(call, x[1], "alpha"));
  return one_result(call.writer().sub(x[0], self));
}

template <const OpName& kOp, const OpName& kOnBools>
Imported import_with_bools(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  return emit_arithmetic(call, kOp, kOnBools, x[0], x[1]);
}

Imported import_div_mode(ImportContext& call) {
  FERRYMAN_TRY(const std::string mode, call.text("rounding_mode", "none"));
  if (mode == "floor") return import_binary<ops::kFloorDivide, Promotion::kCommon>(call);
  if (mode == "trunc") return import_binary<ops::kTruncDivide, Promotion::kCommon>(call);
  if (mode == "none") return import_binary<ops::kDiv, Promotion::kCommonFloat>(call);
  return call.unsupported("unknown rounding mode");
}

// The exponents for which torch itself takes a shorter way.
std::optional<Result<ValueId>> short_power(CoreWriter write, ValueId x, double exponent) {
  const bool real = is_floating(write.dtype(x));
  if (exponent == 1) return x;
  if (exponent == 2) return write.square(x);
  if (exponent == 3) {
    Result<ValueId> square = write.square(x);
    if (!square.ok()) return square;
    return write.mul(*square, x);
  }
  if (real && exponent == 0.5) return write.sqrt(x);
  if (real && exponent == -0.5) return write.unary(ops::kRsqrt, x);
  if (real && exponent == -1) return write.unary(ops::kReciprocal, x);
  return std::nullopt;
}

Imported import_pow_scalar(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "exponent"}));
  const CoreWriter write = call.writer();
  if (write.dtype(x[0]) == DType::kBool) return call.unsupported("a power of bools");
  if (call.is_of_run_time("exponent")) return one_result(write.binary(ops::kPow, x[0], x[1]));
  FERRYMAN_TRY(const double exponent, call.number("exponent"));
  if (std::optional<Result<ValueId>> power = short_power(write, x[0], exponent))
    return one_result(*std::move(power));
  return one_result(write.binary(ops::kPow, x[0], x[1]));
}

Imported import_pow(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "exponent"}));
  const CoreWriter write = call.writer();
  if (write.dtype(x[0]) == DType::kBool) return call.unsupported("a power of bools");
  return one_result(write.binary(ops::kPow, x[0], x[1]));
}

// self + value * product(tensor1, tensor2)
Imported add_scaled(ImportContext& call, OpName op) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "tensor1", "tensor2"}));
  FERRYMAN_TRY(const ValueId first, scaled_by(call, x[1], "value"));
  const CoreWriter write = call.writer();
  return one_result(write.add(x[0], write.binary(op, first, x[2])));
}

Imported import_addcmul(ImportContext& call) {
  return add_scaled(call, ops::kMul);
}
Imported import_addcdiv(ImportContext& call) {
  return add_scaled(call, ops::kDiv);
}

Imported import_lerp(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "end", "weight"}));
  const CoreWriter write = call.writer();
  const ValueId step = write.mul(write.sub(x[1], x[0]), x[2]);
  return one_result(write.add(x[0], step));
}

// self + weight * (end - self), from the nearer end, as torch does.
Imported import_lerp_scalar(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "end"}));
  if (call.is_of_run_time("weight")) return import_lerp(call);
  FERRYMAN_TRY(const double weight, call.number("weight"));
  const CoreWriter write = call.writer();
  const ValueId difference = write.sub(x[1], x[0]);
  const bool from_start = std::fabs(weight) < 0.5;
  const ValueId factor = write.scalar(write.dtype(x[0]), from_start ? weight : weight - 1);
  const ValueId step = write.mul(difference, factor);
  return one_result(write.add(x[from_start ? 0 : 1], step));
}

// The larger or smaller; a NaN yields to a number.
template <const OpName& kOp>
Imported import_ignoring_nan(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  const CoreWriter write = call.writer();
  if (write.dtype(x[0]) == DType::kBool)
    return one_result(
        write.binary(kOp == ops::kMaximum ? ops::kLogicalOr : ops::kLogicalAnd, x[0], x[1]));
  const ValueId extreme = write.binary(kOp, x[0], x[1]);
  if (!is_floating(write.dtype(x[0]))) return std::vector{extreme};
  const ValueId first_is_nan = write.unary(ops::kIsNan, x[0]);
  const ValueId rest = write.where(write.unary(ops::kIsNan, x[1]), x[0], extreme);
  return one_result(write.where(first_is_nan, x[1], rest));
}

Imported import_hypot(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  const CoreWriter write = call.writer();
  const ValueId a = write.square(x[0]);
  const ValueId sum = write.add(a, write.square(x[1]));
  return one_result(write.sqrt(sum));
}

// x log(y): 0 where x is 0 and y is a number.
template <const OpName& kLog>
Imported import_xlogy(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x,
               promoted(call, {"self", "other"}, Promotion::kCommonFloat));
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(x[0]);
  const ValueId zero = write.scalar(dtype, 0);
  const ValueId product = write.mul(x[0], write.unary(kLog, x[1]));
  const ValueId is_zero = write.binary(ops::kEq, x[0], zero);
  const ValueId is_number = write.unary(ops::kLogicalNot, write.unary(ops::kIsNan, x[1]));
  return one_result(write.where(write.binary(ops::kLogicalAnd, is_zero, is_number), zero, product));
}

// log(exp(a) + exp(b)) = m + log1p(exp(-|a - b|)) with m the larger; equal infinities stay.
Imported import_logaddexp(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  const CoreWriter write = call.writer();
  if (!is_floating(write.dtype(x[0]))) return call.unsupported("of whole numbers");
  const ValueId larger = write.binary(ops::kMaximum, x[0], x[1]);
  const ValueId negated = write.neg(write.abs(write.sub(x[0], x[1])));
  const ValueId sum = write.add(larger, write.unary(ops::kLog1p, write.exp(negated)));
  const ValueId magnitude = write.abs(larger);
  const ValueId infinity = write.scalar(larger, std::numeric_limits<double>::infinity());
  return one_result(write.where(write.binary(ops::kEq, magnitude, infinity), larger, sum));
}

// x * 2 ^ other
Imported import_ldexp(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x,
               promoted(call, {"self", "other"}, Promotion::kCommonFloat));
  const CoreWriter write = call.writer();
  const ValueId factor = write.binary(ops::kPow, write.scalar(write.dtype(x[0]), 2), x[1]);
  return one_result(write.mul(x[0], factor));
}

void add_basic_imports(ImportTable& imports) {
  imports.add({"add.Tensor", "add.Scalar"}, import_add);
  imports.add({"sub.Tensor", "sub.Scalar", "subtract.Tensor", "subtract.Scalar"}, import_sub);
  imports.add({"rsub.Tensor", "rsub.Scalar"}, import_rsub);
  imports.add({"mul.Tensor", "mul.Scalar", "multiply.Tensor", "multiply.Scalar"},
              import_with_bools<ops::kMul, ops::kLogicalAnd>);
  imports.add({"div.Tensor", "div.Scalar", "divide.Tensor", "divide.Scalar", "true_divide.Tensor",
               "true_divide.Scalar"},
              import_binary<ops::kDiv, Promotion::kCommonFloat>);
  imports.add({"div.Tensor_mode", "div.Scalar_mode", "divide.Tensor_mode", "divide.Scalar_mode"},
              import_div_mode);
  imports.add({"floor_divide.default", "floor_divide.Scalar"},
              import_binary<ops::kFloorDivide, Promotion::kCommon>);
  imports.add({"remainder.Tensor", "remainder.Scalar", "remainder.Scalar_Tensor"},
              import_binary<ops::kRemainder, Promotion::kCommon>);
  imports.add({"fmod.Tensor", "fmod.Scalar"}, import_binary<ops::kFmod, Promotion::kCommon>);
  imports.add("pow.Tensor_Scalar", import_pow_scalar);
  imports.add({"pow.Tensor_Tensor", "pow.Scalar"}, import_pow);
}

}  // namespace

void add_arithmetic_ops(Ops& ops) {
  define_arithmetic_rows(ops);
  ImportTable& imports = ops.imports;
  add_basic_imports(imports);
  imports.add({"maximum.default", "max.other"}, import_with_bools<ops::kMaximum, ops::kLogicalOr>);
  imports.add({"minimum.default", "min.other"}, import_with_bools<ops::kMinimum, ops::kLogicalAnd>);
  imports.add("fmax.default", import_ignoring_nan<ops::kMaximum>);
  imports.add("fmin.default", import_ignoring_nan<ops::kMinimum>);
  imports.add({"atan2.default", "arctan2.default"},
              import_binary<ops::kAtan2, Promotion::kCommonFloat>);
  imports.add("addcmul.default", import_addcmul);
  imports.add("addcdiv.default", import_addcdiv);
  imports.add("lerp.Scalar", import_lerp_scalar);
  imports.add("lerp.Tensor", import_lerp);
  imports.add("hypot.default", import_hypot);
  imports.add({"xlogy.Tensor", "xlogy.Scalar_Other", "xlogy.Scalar_Self", "special_xlogy.default",
               "special_xlogy.self_scalar", "special_xlogy.other_scalar"},
              import_xlogy<ops::kLog>);
  imports.add(
      {"special_xlog1py.default", "special_xlog1py.self_scalar", "special_xlog1py.other_scalar"},
      import_xlogy<ops::kLog1p>);
  imports.add("logaddexp.default", import_logaddexp);
  imports.add("ldexp.Tensor", import_ldexp);
}

}  // namespace ferryman
