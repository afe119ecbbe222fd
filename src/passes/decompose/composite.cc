// Reductions and gates that are a few ops each.
#include <algorithm>
#include <limits>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"

namespace ferryman {

namespace {

// Over no axes nothing is left to do.
ValueId reduced(CoreWriter write, OpName name, ValueId x, const Ints& axes, bool keepdim) {
  return axes.empty() ? x : write.reduce(name, x, axes, keepdim);
}

// The result of a reduction that kept its axes, in the shape that the op has.
ValueId as_result(CoreWriter write, const Op& op, ValueId kept) {
  return write.reshape(kept, write.dims(op.result()));
}

// log(sum(exp(x - m))) + m with m the largest, or 0 where that is infinite
ValueId logsumexp(CoreWriter write, const Op& op) {
  const ValueId x = op.operands[0];
  const Ints& axes = op.attr(attr::kAxes).values;
  const ValueId largest = reduced(write, ops::kAmax, x, axes, /*keepdim=*/true);
  const ValueId magnitude = write.unary(ops::kAbs, largest);
  const ValueId is_infinite =
      write.binary(ops::kEq, magnitude, std::numeric_limits<double>::infinity());
  const ValueId shift = write.where(is_infinite, 0.0, largest);
  const ValueId exponential = write.unary(ops::kExp, write.sub(x, shift));
  const ValueId sum = reduced(write, ops::kSum, exponential, axes, /*keepdim=*/true);
  return as_result(write, op, write.add(write.unary(ops::kLog, sum), shift));
}

// var(x) -> sum((x - mean(x))^2) / (n - correction), mean(x)
std::vector<ValueId> variance_and_mean(CoreWriter write, const Op& op) {
  const ValueId x = op.operands[0];
  const Ints& axes = op.attr(attr::kAxes).values;
  const bool keepdim = op.attr(attr::kKeepDim);
  const double correction = op.attr(attr::kCorrection);
  const ValueId kept = reduced(write, ops::kMean, x, axes, /*keepdim=*/true);
  const ValueId square = write.unary(ops::kSquare, write.sub(x, kept));
  const ValueId mean = as_result(write, op, kept);
  if (correction == 0) return {reduced(write, ops::kMean, square, axes, keepdim), mean};
  const ValueId sum = reduced(write, ops::kSum, square, axes, keepdim);
  double count = 1;
  for (const int64_t axis : axes)
    count *= static_cast<double>(write.dims(x)[static_cast<size_t>(axis)].size());
  return {write.div(sum, write.scalar(sum, std::max(count - correction, 0.0))), mean};
}

// glu(x) -> a * sigmoid(b), the halves of x
ValueId glu(CoreWriter write, const Op& op) {
  const ValueId x = op.operands[0];
  const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
  const int64_t size = write.dims(x)[axis].size();
  const ValueId first = write.slice_axis(x, axis, 0, size / 2);
  const ValueId second = write.slice_axis(x, axis, size / 2, size);
  return write.mul(first, write.unary(ops::kSigmoid, second));
}

bool has_static_operand(const Graph& graph, const Op& op) {
  return all_static(graph.type(op.operands[0]).dims);
}

}  // namespace

std::vector<Rule> composite_decompositions() {
  return {
      decomposition("logsumexp_to_sum", {ops::kLogSumExp}, logsumexp),
      only_where(has_static_operand, decomposition("var_to_mean", {ops::kVar}, variance_and_mean)),
      only_where(has_static_operand, decomposition("glu_to_product", {ops::kGlu}, glu))};
}

}  // namespace ferryman
