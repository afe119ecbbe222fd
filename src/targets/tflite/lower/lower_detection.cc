// Boxes that remain of many, and outputs of as many entries as that.
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "targets/tflite/lower/lower_families.h"

namespace ferryman::tflite {

namespace {

// The kernel drops what overlaps by at least its threshold, the op what overlaps by more: the first
// float32 above.
float first_above(double threshold) {
  const auto nearest = static_cast<float>(threshold);
  if (static_cast<double>(nearest) > threshold) return nearest;
  return std::nextafter(nearest, std::numeric_limits<float>::infinity());
}

}  // namespace

void lower_nms(LowerOp& op) {
  const TensorIndex boxes = op.operand(0);
  const TensorIndex scores = op.operand(1);
  const Dim count = op.shape(scores)[0];
  const TensorIndex threshold =
      op.filled(DType::kF32, {}, static_cast<double>(first_above(op.attr(attr::kThreshold))));
  const TensorIndex lowest_score = op.filled(DType::kF32, {}, 0);
  const std::vector<TensorIndex> kept = op.emit_all(
      Op::kNonMaxSuppressionV4, {boxes, scores, op.size(count), threshold, lowest_score},
      {{.type = DType::kI32, .shape = {count}}, {.type = DType::kI32, .shape = {}}},
      default_options(Op::kNonMaxSuppressionV4));
  op.finish_result(0, kept[0]);
  op.finish_result(1, kept[1]);
}

// SLICE with sizes that are computed: the runtime gives its output that shape when it runs.
void lower_cut(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  Shape shape = op.shape(x);
  const auto axis = static_cast<size_t>(op.axis(attr::kAxis));
  const auto rank = static_cast<int32_t>(shape.size());
  std::vector<TensorIndex> sizes;
  for (size_t i = 0; i < shape.size(); ++i)
    sizes.push_back(i == axis ? op.operand(1) : op.size(shape[i]));
  const TensorIndex size =
      op.emit(Op::kPack, sizes, DType::kI32, {rank}, PackOptions{.values_count = rank, .axis = 0});
  const TensorIndex start = op.ints(std::vector<int32_t>(shape.size(), 0));
  const TensorIndex result = op.emit_all(Op::kSlice, {x, start, size}, {{op.type(0).dtype, shape}},
                                         default_options(Op::kSlice))[0];
  op.open_axis(result, axis);
  op.finish_with(result);
}

}  // namespace ferryman::tflite
