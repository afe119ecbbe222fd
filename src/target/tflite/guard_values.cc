// Single values on which the runtime's kernels differ from torch, or end the process.
//
// NaN in the larger and the smaller of values: if any operand is NaN, so is torch's result. MAXIMUM
// and MINIMUM give their right operand then, and the reductions drop NaN. The smallest whole number
// divided by -1: the processor traps, torch's wraps around. Negative powers of whole numbers.
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "target/tflite/legalise.h"

namespace ferryman::tflite {

namespace {

// 0, or NaN where x is: in ops that the delegate takes, unlike a comparison and a selection. The
// clamp keeps infinities from becoming NaN.
ValueId zero_or_nan(Builder& builder, CoreWriter& write, ValueId x) {
  const ValueId bounded = builder.create(ops::kClamp, {x}, {{attr::kMin, -1.0}, {attr::kMax, 1.0}});
  return write.mul(bounded, 0.0);
}

// maximum(a, b) -> maximum(a, b + zero_or_nan(a)); a constant, which is no NaN, goes to the left
ValueId guarded_extreme(Rewriter& rewriter, CoreWriter& write, const Op& op) {
  ValueId left = op.operands[0];
  ValueId right = op.operands[1];
  const Graph& graph = rewriter.graph();
  if (graph.is_constant(right)) std::swap(left, right);
  if (!graph.is_constant(left)) right = write.add(right, zero_or_nan(rewriter, write, left));
  return rewriter.create(OpName{op.def->name}, {left, right});
}

// amax(x) -> amax(x) + sum(zero_or_nan(x))
ValueId guarded_reduction(Rewriter& rewriter, CoreWriter& write, const Op& op) {
  const ValueId extremes[] = {op.operands[0]};
  const ValueId zeros[] = {zero_or_nan(rewriter, write, op.operands[0])};
  return write.add(rewriter.create(OpName{op.def->name}, extremes, attrs_of(op)),
                   rewriter.create(ops::kSum, zeros, attrs_of(op)));
}

// argmax(x) -> the first NaN's index where there is one
ValueId guarded_position(Rewriter& rewriter, CoreWriter& write, const Op& op) {
  const ValueId x[] = {op.operands[0]};
  const ValueId is_nan = write.unary(ops::kIsNan, op.operands[0]);
  const ValueId flags[] = {write.cast(is_nan, DType::kI32)};
  const Axes axes{{op.attr(attr::kAxis).value}};
  const ValueId any =
      rewriter.create(ops::kAny, {is_nan}, {{attr::kAxes, axes}, {attr::kKeepDim, true}});
  return write.where(any, rewriter.create(ops::kArgmax, flags, attrs_of(op)),
                     rewriter.create(OpName{op.def->name}, x, attrs_of(op)));
}

// sign(NaN) is 0 in torch.
ValueId guarded_sign(Rewriter&, CoreWriter& write, const Op& op) {
  const ValueId x = op.operands[0];
  return write.where(write.binary(ops::kEq, x, x), write.unary(ops::kSign, x), write.scalar(x, 0));
}

// AVERAGE_POOL_2D makes an infinity of NaN: NaN where any element under the window is.
ValueId guarded_mean(Rewriter& rewriter, CoreWriter& write, const Op& op) {
  const ValueId x[] = {op.operands[0]};
  const ValueId flags[] = {write.cast(write.unary(ops::kIsNan, x[0]), write.type(x[0]).dtype)};
  const ValueId share = rewriter.create(OpName{op.def->name}, flags, attrs_of(op));
  const ValueId is_nan = write.binary(ops::kNe, share, 0.0);
  const ValueId nan = write.scalar(x[0], std::numeric_limits<double>::quiet_NaN());
  return write.where(is_nan, nan, rewriter.create(OpName{op.def->name}, x, attrs_of(op)));
}

struct Divisor {
  ValueId is_minus_one;
  ValueId value;  // with 1 in the place of -1
};
Divisor guarded_divisor(CoreWriter& write, ValueId divisor) {
  const ValueId is_minus_one = write.binary(ops::kEq, divisor, -1.0);
  return {is_minus_one, write.where(is_minus_one, write.scalar(divisor, 1.0), divisor)};
}

// Nothing is left over by 1 or -1.
ValueId guarded_rest(Rewriter& rewriter, CoreWriter& write, const Op& op) {
  const Divisor divisor = guarded_divisor(write, op.operands[1]);
  return rewriter.create(OpName{op.def->name}, {op.operands[0], divisor.value});
}

// x / -1 -> -x
ValueId guarded_quotient(Rewriter& rewriter, CoreWriter& write, const Op& op) {
  const Divisor divisor = guarded_divisor(write, op.operands[1]);
  const ValueId quotient = rewriter.create(OpName{op.def->name}, {op.operands[0], divisor.value});
  return write.where(divisor.is_minus_one, write.unary(ops::kNeg, op.operands[0]), quotient);
}

// POW refuses negative exponents of whole numbers; torch gives 1 or -1 for those bases, and 0.
ValueId guarded_power(Rewriter& rewriter, CoreWriter& write, const Op& op) {
  const ValueId base = op.operands[0];
  const ValueId exponent = op.operands[1];
  const auto is = [&](ValueId x, double number) { return write.binary(ops::kEq, x, number); };
  const auto number = [&](double value) { return write.scalar(base, value); };
  const ValueId is_odd = is(write.binary(ops::kBitwiseAnd, exponent, 1.0), 1.0);
  const ValueId of_minus_one = write.where(is_odd, number(-1.0), number(1.0));
  const ValueId inverse = write.where(is(base, 1.0), number(1.0),
                                      write.where(is(base, -1.0), of_minus_one, number(0.0)));
  const ValueId power =
      rewriter.create(OpName{op.def->name}, {base, write.binary(ops::kMaximum, exponent, 0.0)});
  return write.where(write.binary(ops::kLt, exponent, 0.0), inverse, power);
}

using Guard = ValueId (*)(Rewriter&, CoreWriter&, const Op&);
struct GuardRow {
  OpName op;
  Guard guard;
};
constexpr std::array kFloatingGuards = {
    GuardRow{ops::kMaximum, guarded_extreme}, GuardRow{ops::kMinimum, guarded_extreme},
    GuardRow{ops::kAmax, guarded_reduction},  GuardRow{ops::kAmin, guarded_reduction},
    GuardRow{ops::kArgmax, guarded_position}, GuardRow{ops::kArgmin, guarded_position},
    GuardRow{ops::kSign, guarded_sign},       GuardRow{ops::kAvgPool, guarded_mean},
};
constexpr std::array kIntegerGuards = {
    GuardRow{ops::kRemainder, guarded_rest},
    GuardRow{ops::kFmod, guarded_rest},
    GuardRow{ops::kFloorDivide, guarded_quotient},
    GuardRow{ops::kTruncDivide, guarded_quotient},
    GuardRow{ops::kPow, guarded_power},
};

template <typename Rows>
Guard find_row(const Rows& rows, const Op& op) {
  for (const GuardRow& row : rows) {
    if (op.is(row.op)) return row.guard;
  }
  return nullptr;
}

// Whether a value is made by an op that has no number for some numbers. Means under windows are
// guarded there only: elsewhere NaN comes in from outside, and the price would be paid for nothing.
bool is_made_with_nan(const Graph& graph, ValueId value) {
  if (graph.value(value).kind != ValueKind::kResult) return false;
  const Op& op = graph.op(graph.producer(value));
  if (op.is(ops::kPow)) {
    const std::optional<double> exponent = uniform_value(graph, op.operands[1]);
    return !exponent.has_value() || *exponent != std::floor(*exponent);
  }
  return op.is(ops::kSqrt) || op.is(ops::kRsqrt) || op.is(ops::kLog) || op.is(ops::kLog1p);
}

// A divisor or exponent that is known to be positive needs none.
Guard find_guard(const Graph& graph, const Op& op) {
  if (op.operands.empty() || !op.operands[0].valid()) return nullptr;
  if (op.is(ops::kAvgPool) && !is_made_with_nan(graph, op.operands[0])) return nullptr;
  if (is_floating(graph, op.operands[0])) return find_row(kFloatingGuards, op);
  if (op.operands.size() < 2 || uniform_value(graph, op.operands[1]).value_or(-1) > 0)
    return nullptr;
  return is_integer(graph.type(op.operands[0]).dtype) ? find_row(kIntegerGuards, op) : nullptr;
}

Result<Changed> run_guard_values(Graph& graph, PassContext&) {
  Changed changed = Changed::kNo;
  Rewriter rewriter(graph);
  for (OpId id = graph.first_op(); id.valid();) {
    const OpId next = graph.op(id).next;
    if (const Guard guard = find_guard(graph, graph.op(id))) {
      rewriter.insert_before(id);
      CoreWriter write(rewriter);
      const Op op = graph.op(id);
      rewriter.replace_value(op.result(), guard(rewriter, write, op));
      rewriter.erase_dead(id);
      changed = Changed::kYes;
    }
    id = next;
  }
  return changed;
}

}  // namespace

Pass guard_values() {
  return {"guard_values", "NaN in extremes and division by -1, as in PyTorch", run_guard_values};
}

}  // namespace ferryman::tflite
