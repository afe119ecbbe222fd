// Operators that find, fetch or place elements by position.
#include <algorithm>

#include "targets/tflite/runtime/output_rules.h"

namespace ferryman::tflite {

namespace {

// [a .., b ..]
Ints joined(Ints a, const Ints& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Ints from(const Ints& extents, size_t first) {
  return {extents.begin() + static_cast<ptrdiff_t>(std::min(first, extents.size())), extents.end()};
}

Ints until(const Ints& extents, size_t end) {
  return {extents.begin(), extents.begin() + static_cast<ptrdiff_t>(std::min(end, extents.size()))};
}

// The number that a constant operand holds, or that only running tells.
int64_t count_operand(OutputInference& op, size_t operand) {
  const std::optional<Ints> count = op.numbers(operand);
  if (!count.has_value()) return kAnyExtent;
  op.demand(count->size() == 1 && count->front() >= 0, "needs one count");
  return count->empty() ? kAnyExtent : count->front();
}

}  // namespace

// [x before the axis, positions, x behind the axis], with the leading axes that both share once.
void infer_gather(OutputInference& op) {
  const auto options = op.options<GatherOptions>();
  const Ints x = op.shape(0);
  const Ints positions = op.shape(1);
  const std::optional<size_t> axis = axis_from_front(options.axis, op.rank(0));
  if (!op.demand(axis.has_value(), "names an axis outside its input")) return;
  const auto shared = static_cast<size_t>(std::max(options.batch_dims, 0));
  const bool fits =
      shared <= *axis && shared <= positions.size() && until(x, shared) == until(positions, shared);
  if (!op.demand(fits, "has positions of another batch than its input")) return;
  op.give(op.type(0), joined(joined(until(x, *axis), from(positions, shared)), from(x, *axis + 1)));
}

void infer_gather_nd(OutputInference& op) {
  const Ints x = op.shape(0);
  const Ints positions = op.shape(1);
  const bool fits = !positions.empty() && positions.back() <= op.rank(0);
  if (!op.demand(fits, "has positions of more axes than its input")) return;
  op.give(op.type(0), joined(until(positions, positions.size() - 1),
                             from(x, static_cast<size_t>(positions.back()))));
}

void infer_scatter_nd(OutputInference& op) {
  const std::optional<Ints> shape = op.numbers(2);
  if (!shape.has_value()) return op.give(op.type(1), std::nullopt);
  const Ints positions = op.shape(0);
  const bool has_depth =
      !positions.empty() && positions.back() <= static_cast<int64_t>(shape->size());
  if (!op.demand(has_depth, "has positions of more axes than its output")) return;
  const Ints updates = joined(until(positions, positions.size() - 1),
                              from(*shape, static_cast<size_t>(positions.back())));
  op.demand(op.shape(1) == updates, "has updates that do not fit its positions and output");
  op.give(op.type(1), shape);
}

// Quantised tables give floats.
void infer_embedding_lookup(OutputInference& op) {
  if (!op.demand(op.rank(0) == 1 && op.rank(1) >= 1, "needs a list of positions and a table"))
    return;
  op.give(std::nullopt, joined(op.shape(0), from(op.shape(1), 1)));
}

void infer_unsorted_segments(OutputInference& op) {
  const Ints rows = op.shape(0);
  const Ints numbers = op.shape(1);
  const bool fits = until(rows, numbers.size()) == numbers;
  if (!op.demand(fits, "has other segment numbers than rows")) return;
  op.give(op.type(0), joined({count_operand(op, 2)}, from(rows, numbers.size())));
}

void infer_segment_sum(OutputInference& op) {
  if (!op.demand(op.rank(0) >= 1, "needs rows")) return;
  op.give(op.type(0), joined({kAnyExtent}, from(op.shape(0), 1)));
}

void infer_topk(OutputInference& op) {
  Ints shape = op.shape(0);
  if (!op.demand(!shape.empty(), "needs an axis to sort")) return;
  const int64_t count = count_operand(op, 1);
  op.demand(count <= shape.back(), "takes more elements than there are");
  shape.back() = count;
  const bool is_short = op.declared_type(1) == ElementType(TensorType::kInt16);
  op.give(op.type(0), shape);
  op.give(is_short ? TensorType::kInt16 : TensorType::kInt32, std::move(shape));
}

namespace {

void infer_arg(OutputInference& op, ElementType type) {
  const std::optional<Ints> axis = op.numbers(1);
  if (!axis.has_value()) return op.give(type, std::nullopt);
  if (!op.demand(axis->size() == 1, "needs one axis")) return;
  const std::optional<size_t> at = axis_from_front(axis->front(), op.rank(0));
  if (!op.demand(at.has_value(), "names an axis outside its input")) return;
  Ints shape = op.shape(0);
  shape.erase(shape.begin() + static_cast<ptrdiff_t>(*at));
  op.give(type, std::move(shape));
}

}  // namespace

void infer_arg_max(OutputInference& op) {
  infer_arg(op, op.options<ArgMaxOptions>().output_type);
}
void infer_arg_min(OutputInference& op) {
  infer_arg(op, op.options<ArgMinOptions>().output_type);
}

void infer_unique(OutputInference& op) {
  op.give(op.type(0), Ints{kAnyExtent});
  op.give(op.options<UniqueOptions>().idx_out_type, op.shape(0));
}

void infer_where(OutputInference& op) {
  op.give(TensorType::kInt64, Ints{kAnyExtent, op.rank(0)});
}

namespace {

// The count of boxes, and whether boxes and scores fit.
int64_t nms_count(OutputInference& op) {
  const Ints boxes = op.shape(0);
  op.demand(boxes.size() == 2 && boxes[1] == 4, "needs boxes of four numbers");
  op.demand(op.rank(1) == 1 && op.shape(1) == until(boxes, 1), "needs one score for each box");
  return count_operand(op, 2);
}

}  // namespace

void infer_nms_v4(OutputInference& op) {
  op.give(TensorType::kInt32, Ints{nms_count(op)});
  op.give(TensorType::kInt32, Ints{});
}

void infer_nms_v5(OutputInference& op) {
  const int64_t count = nms_count(op);
  op.give(TensorType::kInt32, Ints{count});
  op.give(TensorType::kFloat32, Ints{count});
  op.give(TensorType::kInt32, Ints{});
}

}  // namespace ferryman::tflite
