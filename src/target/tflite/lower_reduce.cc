// Reductions and what runs along one axis.
#include <algorithm>

#include "ops/attrs.h"
#include "support/check.h"
#include "target/tflite/lower_families.h"

namespace ferryman::tflite {

namespace {

Shape reduced_shape(const Shape& shape, const std::vector<int32_t>& axes, bool keep_dims) {
  Shape result;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<int32_t>(i)) != axes.end();
    if (!reduced) result.push_back(shape[i]);
    if (reduced && keep_dims) result.push_back(1);
  }
  return result;
}

void lower_reduction(LowerOp& op, Op kernel) {
  const TensorIndex x = op.operand(0);
  const std::vector<int32_t> axes = op.axes(attr::kAxes);
  const bool keep_dims = op.attr(attr::kKeepDim);
  op.finish_reshaped(kernel, {x, op.ints(axes)}, reduced_shape(op.shape(x), axes, keep_dims),
                     ReducerOptions{.keep_dims = keep_dims});
}

// ARG_MAX and ARG_MIN drop the axis.
void lower_arg(LowerOp& op, Op kernel, Options options) {
  const TensorIndex x = op.operand(0);
  const int32_t axis = op.axis(attr::kAxis);
  op.finish_reshaped(kernel, {x, op.scalar(axis)}, reduced_shape(op.shape(x), {axis}, false),
                     std::move(options));
}

void check_last_axis(const LowerOp& op, TensorIndex x) {
  check(op.axis(attr::kAxis) + 1 == static_cast<int32_t>(op.shape(x).size()),
        "the contract puts the axis last");
}

}  // namespace

void lower_sum(LowerOp& op) {
  lower_reduction(op, Op::kSum);
}
// The mean of a whole image: AVERAGE_POOL_2D is the faster kernel (0.87 to 0.97 times MEAN).
void lower_mean(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  const Shape shape = op.shape(x);
  const bool whole_image = shape.size() == 4 && op.type(0).dtype == DType::kF32 &&
                           op.axes(attr::kAxes) == std::vector<int32_t>{1, 2};
  if (!whole_image) return lower_reduction(op, Op::kMean);
  op.finish_reshaped(Op::kAveragePool2d, {x}, {shape[0], 1, 1, shape[3]},
                     Pool2DOptions{.padding = Padding::kValid,
                                   .filter_width = shape[2],
                                   .filter_height = shape[1]});
}
void lower_prod(LowerOp& op) {
  lower_reduction(op, Op::kReduceProd);
}
void lower_amax(LowerOp& op) {
  lower_reduction(op, Op::kReduceMax);
}
void lower_amin(LowerOp& op) {
  lower_reduction(op, Op::kReduceMin);
}
void lower_any(LowerOp& op) {
  lower_reduction(op, Op::kReduceAny);
}
void lower_all(LowerOp& op) {
  lower_reduction(op, Op::kReduceAll);
}

void lower_argmax(LowerOp& op) {
  lower_arg(op, Op::kArgMax, ArgMaxOptions{.output_type = op.result_type().dtype});
}
void lower_argmin(LowerOp& op) {
  lower_arg(op, Op::kArgMin, ArgMinOptions{.output_type = op.result_type().dtype});
}

void lower_softmax(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  check_last_axis(op, x);
  op.finish(Op::kSoftmax, {x}, SoftmaxOptions{.beta = 1.0f});
}

void lower_log_softmax(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  check_last_axis(op, x);
  op.finish(Op::kLogSoftmax, {x});
}

void lower_cumsum(LowerOp& op) {
  op.finish(Op::kCumsum, {op.operand(0), op.scalar(op.axis(attr::kAxis))}, CumsumOptions{});
}

}  // namespace ferryman::tflite
