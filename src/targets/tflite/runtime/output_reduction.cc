// Reductions and matrix products.
#include <algorithm>

#include "targets/tflite/runtime/output_rules.h"

namespace ferryman::tflite {

namespace {

// Products of integers may come in a wider type, which the measured combinations tell.
std::optional<ElementType> product_type(const OutputInference& op) {
  const ElementType type = op.type(0);
  const bool is_float =
      type == ElementType(TensorType::kFloat32) || type == ElementType(TensorType::kFloat16);
  return is_float ? std::optional(type) : std::nullopt;
}

}  // namespace

void infer_reduction(OutputInference& op) {
  const Ints x = op.shape(0);
  const std::optional<Ints> axes = op.numbers(1);
  if (!axes.has_value()) return op.give(op.type(0), std::nullopt);
  std::vector<bool> goes(x.size(), false);
  for (const int64_t axis : *axes) {
    const std::optional<size_t> at = axis_from_front(axis, op.rank(0));
    const bool is_number = x.empty() && (axis == 0 || axis == -1);
    if (!op.demand(at.has_value() || is_number, "names an axis outside its input")) return;
    if (at.has_value()) goes[*at] = true;
  }
  const bool keeps = op.options<ReducerOptions>().keep_dims;
  Ints shape;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (!goes[axis]) shape.push_back(x[axis]);
    if (goes[axis] && keeps) shape.push_back(1);
  }
  op.give(op.type(0), std::move(shape));
}

void infer_truth_reduction(OutputInference& op) {
  op.demand(op.type(0) == ElementType(TensorType::kBool), "needs truth values");
  infer_reduction(op);
}

// [rows, k] x [n, k] -> [rows, n]; the axes of the rows stay only if asked for.
void infer_fully_connected(OutputInference& op) {
  Ints shape = op.shape(0);
  const Ints weight = op.shape(1);
  if (!op.demand(weight.size() == 2, "needs a matrix as its weight")) return;
  const int64_t n = weight[0];
  const int64_t k = weight[1];
  const int64_t elements = product(shape);
  const bool fills_rows = !shape.empty() && k > 0 ? elements % k == 0 : elements == 0;
  if (!op.demand(fills_rows, "has an input that does not fill rows of its weight")) return;
  if (op.has(2)) op.demand(product(op.shape(2)) == n, "has a bias of another size than its output");
  if (!op.options<FullyConnectedOptions>().keep_num_dims)
    return op.give(product_type(op), Ints{k > 0 ? elements / k : kAnyExtent, n});
  if (!op.demand(!shape.empty() && shape.back() == k, "keeps axes that its weight does not fit"))
    return;
  shape.back() = n;
  op.give(product_type(op), std::move(shape));
}

void infer_batch_matmul(OutputInference& op) {
  const auto options = op.options<BatchMatMulOptions>();
  Ints a = op.shape(0);
  Ints b = op.shape(1);
  if (!op.demand(a.size() >= 2 && b.size() >= 2, "needs matrices")) return;
  if (options.adj_x) std::swap(a.end()[-1], a.end()[-2]);
  if (options.adj_y) std::swap(b.end()[-1], b.end()[-2]);
  op.demand(a.end()[-1] == b.end()[-2], "has factors that do not fit together");
  std::optional<Ints> shape =
      broadcast({a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});  // of the batches
  if (!op.demand(shape.has_value(), "has batches that do not broadcast")) return;
  shape->push_back(a.end()[-2]);
  shape->push_back(b.end()[-1]);
  op.give(product_type(op), std::move(shape));
}

}  // namespace ferryman::tflite
