// Whole numbers on which the runtime's kernels differ from torch, or end the process: the smallest
// one divided by -1, where the processor traps and torch's wraps around, and negative powers.
#include <array>

#include "ops/names.h"
#include "passes/integer_range.h"
#include "targets/tflite/legalise/guard.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

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

struct GuardRow {
  OpName op;
  Guard guard;
};
constexpr std::array kGuards = {
    GuardRow{ops::kRemainder, guarded_rest},
    GuardRow{ops::kFmod, guarded_rest},
    GuardRow{ops::kFloorDivide, guarded_quotient},
    GuardRow{ops::kTruncDivide, guarded_quotient},
    GuardRow{ops::kPow, guarded_power},
};

Guard find_row(const Op& op) {
  for (const GuardRow& row : kGuards) {
    if (op.is(row.op)) return row.guard;
  }
  return nullptr;
}

// A divisor or exponent that is known to be positive needs none.
Guard find_value_guard(const Graph& graph, const Op& op) {
  if (op.operands.empty() || !op.operands[0].valid()) return nullptr;
  if (op.operands.size() < 2 || !is_integer(graph.type(op.operands[0]).dtype)) return nullptr;
  return IntegerRanges(graph).of(op.operands[1]).min > 0 ? nullptr : find_row(op);
}

Result<Changed> run_guard_values(Graph& graph, PassContext&) {
  return guard_ops(graph, find_value_guard);
}

}  // namespace

Pass guard_values() {
  return needed_because(
      "the runtime's kernels give other numbers there, or end the process",
      {"guard_values", "division by -1 and negative powers of whole numbers, as in PyTorch",
       run_guard_values});
}

}  // namespace ferryman::tflite
