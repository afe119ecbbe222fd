// Operators that treat every element by itself.
#include "targets/tflite/runtime/output_rules.h"

namespace ferryman::tflite {

namespace {

bool is_of_type(const OutputInference& op, size_t input, TensorType type) {
  return op.type(input) == ElementType(type);
}

// The shape to which all inputs from `first` on expand.
std::optional<Ints> common_shape(OutputInference& op, size_t first) {
  Ints shape = op.shape(first);
  for (size_t input = first + 1; input < op.num_inputs(); ++input) {
    const std::optional<Ints> both = broadcast(shape, op.shape(input));
    if (!op.demand(both.has_value(), "has operands that do not broadcast")) return std::nullopt;
    shape = *both;
  }
  return shape;
}

}  // namespace

void infer_like_first(OutputInference& op) {
  op.give_like(0);
}

// Loops: each variable comes out as it went in.
void infer_like_each(OutputInference& op) {
  if (!op.demand(op.num_inputs() == op.num_outputs(), "has other outputs than inputs")) return;
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    if (!op.demand(op.has(i), "lacks one of its inputs")) return;
    op.give_like(i);
  }
}

// What comes out of another graph is compared with that graph.
void infer_called_graph(OutputInference& op) {
  for (size_t i = 0; i < op.num_outputs(); ++i) op.give(std::nullopt, std::nullopt);
}

// QUANTIZE, DEQUANTIZE: the output's type says what it is converted to.
void infer_declared_type(OutputInference& op) {
  op.give(std::nullopt, op.shape(0));
}

void infer_cast(OutputInference& op) {
  const auto options = op.options<CastOptions>();
  op.demand(options.in_data_type == op.type(0), "states another type than its input has");
  op.give(options.out_data_type, op.shape(0));
}

// Elements of another size gain or lose a last axis.
void infer_bitcast(OutputInference& op) {
  const int from = bits_per_element(op.type(0).code);
  const int to = bits_per_element(op.declared_type(0).code);
  if (!op.demand(from != 0 && to != 0, "casts a type without a size")) return;
  Ints shape = op.shape(0);
  if (from > to) shape.push_back(from / to);
  if (from < to) {
    const bool fills = !shape.empty() && shape.back() == to / from;
    if (!op.demand(fills, "has a last axis that does not fill an element")) return;
    shape.pop_back();
  }
  op.give(std::nullopt, std::move(shape));
}

void infer_real_part(OutputInference& op) {
  const bool is_double = is_of_type(op, 0, TensorType::kComplex128);
  op.give(is_double ? TensorType::kFloat64 : TensorType::kFloat32, op.shape(0));
}

void infer_int32_like_first(OutputInference& op) {
  op.give(TensorType::kInt32, op.shape(0));
}

void infer_elementwise(OutputInference& op) {
  op.demand(op.type(0) == op.type(1), "needs inputs of one type");
  if (std::optional<Ints> shape = common_shape(op, 0)) op.give(op.type(0), std::move(shape));
}

void infer_comparison(OutputInference& op) {
  op.demand(op.type(0) == op.type(1), "needs inputs of one type");
  if (std::optional<Ints> shape = common_shape(op, 0)) op.give(TensorType::kBool, std::move(shape));
}

void infer_prelu(OutputInference& op) {
  const std::optional<Ints> both = broadcast(op.shape(0), op.shape(1));
  op.demand(both == op.shape(0), "has slopes that do not broadcast to its input");
  op.give_like(0);
}

// The condition has the shape of the others, or decides for each index of their first axis.
void infer_select(OutputInference& op) {
  op.demand(is_of_type(op, 0, TensorType::kBool), "needs a condition of type BOOL");
  op.demand(op.type(1) == op.type(2) && op.shape(1) == op.shape(2),
            "chooses between tensors of different types or shapes");
  op.give_like(1);
}

void infer_select_v2(OutputInference& op) {
  op.demand(is_of_type(op, 0, TensorType::kBool), "needs a condition of type BOOL");
  op.demand(op.type(1) == op.type(2), "chooses between tensors of different types");
  if (std::optional<Ints> shape = common_shape(op, 0)) op.give(op.type(1), std::move(shape));
}

void infer_add_n(OutputInference& op) {
  for (size_t input = 1; input < op.num_inputs(); ++input)
    op.demand(op.shape(input) == op.shape(0), "adds tensors of different shapes");
  op.give_like(0);
}

}  // namespace ferryman::tflite
