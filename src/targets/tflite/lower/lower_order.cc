// Orders and scattered rows.
#include "ops/attrs.h"
#include "support/check.h"
#include "targets/tflite/lower/lower_families.h"

namespace ferryman::tflite {

// TOPK_V2 sorts the last axis.
void lower_topk(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  Shape shape = op.shape(x);
  check(op.axis(attr::kAxis) + 1 == static_cast<int32_t>(shape.size()) && op.attr(attr::kLargest),
        "legalise_order puts the largest first, the contract the axis last");
  shape.back() = op.attr(attr::kCount).value;
  const auto [values, positions] =
      op.emit_pair(Op::kTopkV2, {x, op.size(shape.back())}, {op.type(0).dtype, DType::kI32}, shape);
  op.finish_result(0, values);
  op.finish_result(1, positions);
}

Op segment_kernel(std::string_view reduction) {
  if (reduction == "prod") return Op::kUnsortedSegmentProd;
  if (reduction == "amax") return Op::kUnsortedSegmentMax;
  if (reduction == "amin") return Op::kUnsortedSegmentMin;
  return Op::kScatterNd;  // duplicates add up
}

void lower_segment_reduce(LowerOp& op) {
  const Op kernel = segment_kernel(op.attr(attr::kReduction));
  const TensorIndex rows = op.operand(0);
  const TensorIndex numbers = op.operand(1);
  Shape shape = op.shape(rows);
  if (kernel != Op::kScatterNd) {
    const Dim segments = op.attr(attr::kCount).value;
    const TensorIndex count =
        segments.is_static() ? op.scalar(static_cast<int32_t>(segments.size())) : op.size(segments);
    return op.finish(kernel, {rows, numbers, count}, default_options(kernel));
  }
  const Shape column = {shape[0], 1};
  const TensorIndex places = op.emit_reshape(numbers, column);
  shape[0] = op.attr(attr::kCount).value;
  op.finish(kernel, {places, rows, op.sizes(shape)}, default_options(kernel));
}

}  // namespace ferryman::tflite
