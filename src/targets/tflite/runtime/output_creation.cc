// Operators whose output is described by numbers: sizes, ranges, random numbers.
#include <algorithm>

#include "targets/tflite/runtime/output_rules.h"

namespace ferryman::tflite {

namespace {

// The shape that a constant operand holds.
std::optional<Ints> shape_operand(OutputInference& op, size_t operand) {
  const std::optional<Ints> shape = op.numbers(operand);
  if (!shape.has_value()) return std::nullopt;
  const bool is_shape =
      std::all_of(shape->begin(), shape->end(), [](int64_t extent) { return extent >= 0; });
  op.demand(is_shape, "is told a negative size");
  return shape;
}

}  // namespace

void infer_fill(OutputInference& op) {
  op.demand(product(op.shape(1)) == 1, "needs one value");
  op.give(op.type(1), shape_operand(op, 0));
}

void infer_range(OutputInference& op) {
  op.demand(op.type(1) == op.type(0) && op.type(2) == op.type(0), "needs inputs of one type");
  const std::optional<Ints> start = op.numbers(0), limit = op.numbers(1), step = op.numbers(2);
  const bool is_told = start.has_value() && limit.has_value() && step.has_value();
  if (!is_told) return op.give(op.type(0), Ints{kAnyExtent});
  if (!op.demand(step->front() != 0, "takes no steps")) return;
  const int64_t way = limit->front() - start->front();
  const int64_t rounding = step->front() > 0 ? 1 : -1;
  op.give(op.type(0), Ints{std::max<int64_t>(0, (way + step->front() - rounding) / step->front())});
}

void infer_shape(OutputInference& op) {
  op.give(op.options<ShapeOptions>().out_type, Ints{op.rank(0)});
}

void infer_rank(OutputInference& op) {
  op.give(TensorType::kInt32, Ints{});
}

void infer_one_hot(OutputInference& op) {
  op.demand(op.type(2) == op.type(3), "needs two values of one type");
  const int64_t stated = op.options<OneHotOptions>().axis;
  const std::optional<size_t> axis = axis_from_front(stated, op.rank(0) + 1);
  if (!op.demand(axis.has_value(), "names an axis outside its output")) return;
  const std::optional<Ints> depth = op.numbers(1);
  Ints shape = op.shape(0);
  shape.insert(shape.begin() + static_cast<ptrdiff_t>(*axis),
               depth.has_value() && depth->size() == 1 ? depth->front() : kAnyExtent);
  op.give(op.type(2), std::move(shape));
}

void infer_random(OutputInference& op) {
  op.give(TensorType::kFloat32, shape_operand(op, 0));
}

void infer_multinomial(OutputInference& op) {
  if (!op.demand(op.rank(0) == 2, "needs rows of logits")) return;
  const std::optional<Ints> count = op.numbers(1);
  const bool is_told = count.has_value() && count->size() == 1;
  op.give(std::nullopt, Ints{op.shape(0)[0], is_told ? count->front() : kAnyExtent});
}

void infer_sparse_to_dense(OutputInference& op) {
  op.give(op.type(2), shape_operand(op, 1));
}

void infer_broadcast_args(OutputInference& op) {
  if (!op.demand(op.rank(0) == 1 && op.rank(1) == 1, "needs two shapes")) return;
  op.give(op.type(0), Ints{std::max(op.shape(0)[0], op.shape(1)[0])});
}

void infer_matrix_diag(OutputInference& op) {
  Ints shape = op.shape(0);
  if (!op.demand(!shape.empty(), "needs a diagonal")) return;
  shape.push_back(shape.back());
  op.give(op.type(0), std::move(shape));
}

void infer_rfft2d(OutputInference& op) {
  Ints shape = op.shape(0);
  const std::optional<Ints> lengths = op.numbers(1);
  if (!op.demand(shape.size() >= 2, "needs a matrix")) return;
  const bool is_told = lengths.has_value() && lengths->size() == 2;
  shape.end()[-2] = is_told ? (*lengths)[0] : kAnyExtent;
  shape.end()[-1] = is_told ? (*lengths)[1] / 2 + 1 : kAnyExtent;
  op.give(TensorType::kComplex64, std::move(shape));
}

}  // namespace ferryman::tflite
