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
  Dims reduced_dims;
  for (const int64_t axis : axes) reduced_dims.push_back(write.dim(x, axis));
  const Dim count = write.symbols().product(reduced_dims);
  const DType dtype = write.dtype(sum);
  if (count.is_static()) {
    const double divisor = std::max(static_cast<double>(count.size()) - correction, 0.0);
    return {write.div(sum, write.scalar(dtype, divisor)), mean};
  }
  const ValueId divisor =
      write.binary(ops::kMaximum, write.sub(write.size_value(count, dtype), correction), 0.0);
  return {write.div(sum, divisor), mean};
}

// glu(x) -> a * sigmoid(b), the halves of x
ValueId glu(CoreWriter write, const Op& op) {
  const ValueId x = op.operands[0];
  const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
  const Dim size = write.dims(x)[axis];
  const Dim half = write.symbols().floordiv(size, 2);
  const ValueId first = write.slice_axis(x, axis, 0, half);
  const ValueId second = write.slice_axis(x, axis, half, size);
  return write.mul(first, write.unary(ops::kSigmoid, second));
}

// Where no training follows.
ValueId dropped_nothing(CoreWriter, const Op& op) {
  return op.operands[0];
}

}  // namespace

std::vector<Rule> composite_decompositions() {
  return {
      decomposition("logsumexp_to_sum", {ops::kLogSumExp}, logsumexp),
      decomposition("var_to_mean", {ops::kVar}, variance_and_mean),
      decomposition("glu_to_product", {ops::kGlu}, glu),
      decomposition("dropout_to_nothing", {ops::kDropout, ops::kAlphaDropout}, dropped_nothing)};
}

}  // namespace ferryman
