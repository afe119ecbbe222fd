// NaN in extremes, orders and signs: exactly as in PyTorch, at a price, or as the target has it.
//
// If any operand is NaN, so are torch's larger and smaller of values. MAXIMUM and MINIMUM give
// their right operand then, ARG_MAX and the reductions pass over NaN, TOPK_V2 takes it for the
// smallest.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/nan_guard.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "targets/tflite/legalise/guard.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

// 0, or NaN where x is: in ops that the delegate takes, unlike a comparison and a selection. The
// clamp keeps infinities from becoming NaN.
ValueId zero_or_nan(Builder& builder, CoreWriter& write, ValueId x) {
  const ValueId bounded = builder.create(ops::kClamp, {x}, {{attr::kMin, -1.0}, {attr::kMax, 1.0}});
  return write.mul(bounded, 0.0);
}

// maximum(a, constant) -> maximum(constant, a): NaN stays, for nothing
ValueId constant_on_the_left(Rewriter& rewriter, CoreWriter&, const Op& op) {
  ValueId left = op.operands[0];
  ValueId right = op.operands[1];
  if (rewriter.graph().is_constant(right)) std::swap(left, right);
  return rewriter.create(OpName{op.def->name}, {left, right});
}

// maximum(a, b) -> maximum(a, b + zero_or_nan(a))
ValueId guarded_extreme(Rewriter& rewriter, CoreWriter& write, const Op& op) {
  const ValueId right = write.add(op.operands[1], zero_or_nan(rewriter, write, op.operands[0]));
  return rewriter.create(OpName{op.def->name}, {op.operands[0], right});
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

// An op that treats NaN otherwise than torch.
struct NanRow {
  OpName op;
  Guard guard;  // null: legalise_order has it
  std::string_view habit;
};
constexpr std::string_view kPassesOver = "passes over NaN, of which PyTorch makes NaN";
constexpr std::string_view kPicksRight = "gives its second operand where one of them is NaN";
constexpr std::string_view kPositionOfNumber = "passes over NaN, whose position PyTorch gives";
constexpr std::array kNanRows = {
    NanRow{ops::kMaximum, guarded_extreme, kPicksRight},
    NanRow{ops::kMinimum, guarded_extreme, kPicksRight},
    NanRow{ops::kAmax, guarded_reduction, kPassesOver},
    NanRow{ops::kAmin, guarded_reduction, kPassesOver},
    NanRow{ops::kArgmax, guarded_position, kPositionOfNumber},
    NanRow{ops::kArgmin, guarded_position, kPositionOfNumber},
    NanRow{ops::kSign, guarded_sign, "gives NaN for NaN, and PyTorch 0"},
    NanRow{ops::kAvgPool, guarded_mean, "gives an infinity for a window with NaN"},
    NanRow{ops::kTopk, nullptr, "takes NaN for the smallest, and PyTorch for the largest"},
};

const NanRow* find_row(const Graph& graph, const Op& op) {
  if (op.operands.empty() || !op.operands[0].valid() || !is_floating(graph, op.operands[0]))
    return nullptr;
  const auto row = std::find_if(kNanRows.begin(), kNanRows.end(),
                                [&](const NanRow& known) { return op.is(known.op); });
  return row == kNanRows.end() ? nullptr : &*row;
}

bool is_extreme_with_constant(const Graph& graph, const Op& op) {
  return (op.is(ops::kMaximum) || op.is(ops::kMinimum)) &&
         (graph.is_constant(op.operands[0]) || graph.is_constant(op.operands[1]));
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

Guard find_exact_guard(const Graph& graph, const Op& op) {
  const NanRow* row = find_row(graph, op);
  if (row == nullptr) return nullptr;
  if (is_extreme_with_constant(graph, op)) return constant_on_the_left;
  if (op.is(ops::kAvgPool) && !is_made_with_nan(graph, op.operands[0])) return nullptr;
  return row->guard;
}

Guard find_free_guard(const Graph& graph, const Op& op) {
  const bool is_free = find_row(graph, op) != nullptr && is_extreme_with_constant(graph, op);
  return is_free ? constant_on_the_left : nullptr;
}

// Whether the exact form is another. The smallest come from the largest of -x, in whose order NaN
// is last as well.
bool differs(const Graph& graph, const Op& op) {
  if (op.is(ops::kTopk)) return op.attr(attr::kLargest);
  return !is_extreme_with_constant(graph, op) && find_exact_guard(graph, op) != nullptr;
}

Result<Changed> run_guard_nan(Graph& graph, PassContext&) {
  return guard_ops(graph, find_exact_guard);
}

Result<Changed> run_leave_nan(Graph& graph, PassContext& context) {
  for (const OpId id : graph.op_ids()) {
    const NanRow* row = find_row(graph, graph.op(id));
    if (row == nullptr || !differs(graph, graph.op(id))) continue;
    context.diagnostics.add(
        Diag::remark("leave_nan", fmt::format("{} {}", graph.op(id).def->name, row->habit))
            .at(graph.location(id))
            .because("nan=\"fast\" takes the target's own operator")
            .hint("nan=\"exact\" gives what PyTorch does"));
  }
  return guard_ops(graph, find_free_guard);
}

// isnan(x) {guard=true} -> false
Guard find_nan_guard(const Graph&, const Op& op) {
  const bool is_guard = op.is(ops::kIsNan) && op.attr(attr::kGuard);
  if (!is_guard) return nullptr;
  return [](Rewriter&, CoreWriter& write, const Op& asked) {
    return write.filled(DType::kBool, write.dims(asked.result()), 0.0, "no_nan");
  };
}

Result<Changed> run_drop_nan_guards(Graph& graph, PassContext& context) {
  for (const OpId id : graph.op_ids()) {
    if (find_nan_guard(graph, graph.op(id)) == nullptr) continue;
    context.diagnostics.add(
        Diag::remark("drop_nan_guards", "what comes of an order or median with NaN is left open")
            .at(graph.location(id))
            .because("nan=\"fast\" asks for no guard against it")
            .hint("nan=\"exact\" gives what PyTorch does"));
  }
  return guard_ops(graph, find_nan_guard);
}

}  // namespace

Pass guard_nan() {
  return needed_because("nan=\"exact\" asks for it",
                        {"guard_nan", "NaN in extremes and signs, as in PyTorch", run_guard_nan});
}

Pass leave_nan() {
  return needed_because(
      "limits would turn NaN into a number, and no remark would tell of the operators that do",
      {"leave_nan", "tell which operators treat NaN otherwise than PyTorch", run_leave_nan});
}

Pass drop_nan_guards() {
  return {"drop_nan_guards", "orders without what keeps NaN as in PyTorch", run_drop_nan_guards};
}

}  // namespace ferryman::tflite
