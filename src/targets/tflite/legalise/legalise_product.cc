// Products: weights that are known become FULLY_CONNECTED, the others BATCH_MATMUL.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

// matmul(x [..., k], w [k, n] constant) -> linear(x, w transposed)
// FULLY_CONNECTED is delegated with constant weights, and takes a bias.
Match<RootOp> match_matmul_to_linear(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const bool fits = graph.is_constant(op.operands[1]) && graph.type(op.operands[1]).rank() == 2 &&
                    is_floating(graph, op.operands[0]) && !graph.is_constant(op.operands[0]);
  if (!fits) return std::nullopt;
  return RootOp{root};
}

void matmul_to_linear(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  rewriter.replace_value(op.result(), write.binary(ops::kLinear, op.operands[0],
                                                   write.permute(op.operands[1], {1, 0})));
}

// matmul(a [m, k] constant, x [..., k, n]) -> linear(x transposed, a) transposed
Match<RootOp> match_constant_times_matrix(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const bool fits = graph.is_constant(op.operands[0]) && graph.type(op.operands[0]).rank() == 2 &&
                    is_floating(graph, op.operands[0]) && !graph.is_constant(op.operands[1]);
  if (!fits) return std::nullopt;
  return RootOp{root};
}

void constant_times_matrix_to_linear(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const size_t rows = write.dims(op.operands[1]).size() - 2;
  rewriter.replace_value(
      op.result(),
      write.apply_matrix(op.operands[1], rows, rewriter.graph().constant(op.operands[0])));
}

// linear(x, w computed) -> matmul(x, w transposed) + bias
Match<RootOp> match_linear_of_computed_weight(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (graph.is_constant(op.operands[1])) return std::nullopt;
  return RootOp{root};
}

void linear_to_matmul(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const Dims result_dims = write.dims(op.result());
  ValueId x = op.operands[0];
  if (write.dims(x).size() == 1) x = write.reshape(x, {Dim(1), write.dims(x)[0]});
  ValueId result = write.binary(ops::kMatmul, x, write.permute(op.operands[1], {1, 0}));
  if (op.has_operand(2)) result = write.add(result, op.operands[2]);
  rewriter.replace_value(op.result(), write.reshape(result, result_dims));
}

// BATCH_MATMUL takes five axes. Batch axes of both operands that are equal are one axis.
constexpr size_t kMaxMatmulRank = 5;

Match<RootOp> match_merge_batch_axes(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Dims& a = graph.type(op.operands[0]).dims;
  const Dims& b = graph.type(op.operands[1]).dims;
  if (std::max(a.size(), b.size()) <= kMaxMatmulRank) return std::nullopt;
  const bool equal = a.size() == b.size() && std::equal(a.begin(), a.end() - 2, b.begin());
  if (!equal) return Refused{"a product of more than five axes that broadcasts"};
  return RootOp{root};
}

ValueId with_merged_batch(Rewriter& rewriter, ValueId x) {
  CoreWriter write(rewriter);
  const Dims dims = write.dims(x);
  Dim batch(1);
  for (size_t axis = 0; axis + 2 < dims.size(); ++axis)
    batch = rewriter.symbols().mul(batch, dims[axis]);
  return write.reshape(x, {batch, dims[dims.size() - 2], dims.back()});
}

void merge_batch_axes(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId product = write.binary(ops::kMatmul, with_merged_batch(rewriter, op.operands[0]),
                                       with_merged_batch(rewriter, op.operands[1]));
  rewriter.replace_value(op.result(), write.reshape(product, write.dims(op.result())));
}

// Whole numbers have no product of matrices:
//   matmul(a [..., m, k], b [..., k, n]) -> sum(a [..., m, k, 1] * b [..., 1, k, n], k)
constexpr int64_t kMaxExpandedProduct = int64_t{1} << 24;  // elements

Match<RootOp> match_integer_matmul(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (is_floating(graph, op.operands[0])) return std::nullopt;
  const int64_t elements = num_elements(graph.type(op.result()).dims);
  const Dim inner = graph.type(op.operands[0]).dims.back();
  if (elements < 0 || !inner.is_static()) return std::nullopt;
  if (elements * std::max<int64_t>(inner.size(), 1) > kMaxExpandedProduct)
    return Refused{"a product of whole numbers that would take too much memory"};
  return RootOp{root};
}

void integer_matmul_to_sum(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  Dims a = write.dims(op.operands[0]);
  Dims b = write.dims(op.operands[1]);
  a.push_back(Dim(1));
  b.insert(b.end() - 2, Dim(1));
  const ValueId products =
      write.mul(write.reshape(op.operands[0], a), write.reshape(op.operands[1], b));
  const auto inner = static_cast<int64_t>(write.dims(products).size()) - 2;
  rewriter.replace_value(op.result(),
                         write.reduce(ops::kSum, products, {inner}, /*keepdim=*/false));
}

}  // namespace

std::vector<Rule> legal_product_rules() {
  std::vector<Rule> rules;
  rules.push_back(make_rule("integer_matmul_to_sum", {ops::kMatmul}, match_integer_matmul,
                            integer_matmul_to_sum));
  rules.push_back(
      make_rule("matmul_to_linear", {ops::kMatmul}, match_matmul_to_linear, matmul_to_linear));
  rules.push_back(make_rule("constant_times_matrix_to_linear", {ops::kMatmul},
                            match_constant_times_matrix, constant_times_matrix_to_linear));
  rules.push_back(
      make_rule("merge_batch_axes", {ops::kMatmul}, match_merge_batch_axes, merge_batch_axes));
  rules.push_back(make_rule("linear_to_matmul", {ops::kLinear}, match_linear_of_computed_weight,
                            linear_to_matmul));
  return rules;
}

}  // namespace ferryman::tflite
