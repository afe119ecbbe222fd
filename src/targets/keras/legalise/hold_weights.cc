// Products and norms with the weights that stand beside them, as the layers that they are.
#include <vector>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/match.h"
#include "targets/keras/legalise/legalise.h"

namespace ferryman::keras {

namespace {

// matmul(x, weight[in, out]) -> linear(x, permute(weight))
struct ProductWithWeight {
  ValueId x, weight, result;
};

// The weight as it stands, or permuted.
bool is_weight(const Graph& graph, ValueId value) {
  const OpId permute = graph.producer_if(value, ops::kPermute);
  return graph.is_stored(permute.valid() ? graph.op(permute).operands[0] : value);
}

Match<ProductWithWeight> match_product_with_weight(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const ValueId weight = op.operands[1];
  const bool fits = graph.type(weight).rank() == 2 && graph.type(op.operands[0]).rank() >= 2 &&
                    graph.type(op.result()).dtype == DType::kF32 && is_weight(graph, weight);
  if (!fits) return std::nullopt;
  return ProductWithWeight{op.operands[0], weight, op.result()};
}

void rewrite_product_with_weight(Rewriter& rewriter, const ProductWithWeight& found) {
  const ValueId turned =
      rewriter.create(ops::kPermute, {found.weight}, {{attr::kPerm, Perm{{1, 0}}}});
  rewriter.replace_value(found.result, rewriter.create(ops::kLinear, {found.x, turned, ValueId()}));
}

// add(linear(x, weight), bias[out]) -> linear(x, weight, bias)
struct AddedBias {
  ValueId x, weight, bias, sum;
};

Match<AddedBias> match_added_bias(const Graph& graph, OpId root) {
  const Op& add = graph.op(root);
  for (const size_t side : {size_t{0}, size_t{1}}) {
    const OpId linear = graph.producer_if(add.operands[side], ops::kLinear);
    const ValueId bias = add.operands[1 - side];
    if (!linear.valid() || graph.op(linear).has_operand(2) || !graph.is_stored(bias)) continue;
    if (graph.num_readers(add.operands[side]) != 1) continue;
    const Dims& sum = graph.type(add.result()).dims;
    if (graph.type(bias).dims != Dims{sum.back()} || graph.type(add.operands[side]).dims != sum)
      continue;
    return AddedBias{graph.op(linear).operands[0], graph.op(linear).operands[1], bias,
                     add.result()};
  }
  return std::nullopt;
}

void rewrite_added_bias(Rewriter& rewriter, const AddedBias& found) {
  rewriter.replace_value(found.sum,
                         rewriter.create(ops::kLinear, {found.x, found.weight, found.bias}));
}

// linear(reshape(x, rows)) -> reshape(linear(x), rows): a Dense takes any number of leading axes.
struct LinearOfRows {
  ValueId x;
  OpId linear;
};

Match<LinearOfRows> match_linear_of_rows(const Graph& graph, OpId root) {
  const Op& linear = graph.op(root);
  const OpId reshape = graph.producer_if(linear.operands[0], ops::kReshape);
  if (!reshape.valid() || graph.num_readers(linear.operands[0]) != 1) return std::nullopt;
  const ValueId x = graph.op(reshape).operands[0];
  const Dims& before = graph.type(x).dims;
  const Dims& rows = graph.type(linear.operands[0]).dims;
  const bool fits = before.size() > 2 && rows.size() == 2 && before.back() == rows.back();
  if (!fits) return std::nullopt;
  return LinearOfRows{x, root};
}

void rewrite_linear_of_rows(Rewriter& rewriter, const LinearOfRows& found) {
  const auto operands = rewriter.graph().op(found.linear).operands;
  const ValueId result = rewriter.graph().op(found.linear).result();
  const Dims rows = rewriter.graph().type(result).dims;
  const ValueId made = rewriter.create(ops::kLinear, {found.x, operands[1], operands[2]});
  rewriter.replace_value(result,
                         rewriter.create(ops::kReshape, {made}, {{attr::kShape, ShapeAttr{rows}}}));
}

// mul(rms_norm(x), weight) -> rms_norm(x, weight)
struct NormWeight {
  OpId norm;
  ValueId weight, product;
};

Match<NormWeight> match_norm_weight(const Graph& graph, OpId root) {
  const Op& mul = graph.op(root);
  for (const size_t side : {size_t{0}, size_t{1}}) {
    const OpId norm = graph.producer_if(mul.operands[side], ops::kRmsNorm);
    const ValueId weight = mul.operands[1 - side];
    if (!norm.valid() || graph.op(norm).has_operand(1) || !graph.is_stored(weight)) continue;
    const TensorType& x = graph.type(mul.operands[side]);
    const bool fits = graph.num_readers(mul.operands[side]) == 1 &&
                      graph.op(norm).attr(attr::kAxes).values.size() == 1 &&
                      graph.type(weight).dims == Dims{x.dims.back()} &&
                      graph.type(weight).dtype == x.dtype && graph.type(mul.result()) == x;
    if (fits) return NormWeight{norm, weight, mul.result()};
  }
  return std::nullopt;
}

void rewrite_norm_weight(Rewriter& rewriter, const NormWeight& found) {
  const Op& norm = rewriter.graph().op(found.norm);
  const Axes axes = norm.attr(attr::kAxes);
  const double eps = norm.attr(attr::kEps);
  const ValueId x = norm.operands[0];
  rewriter.replace_value(found.product, rewriter.create(ops::kRmsNorm, {x, found.weight},
                                                        {{attr::kAxes, axes}, {attr::kEps, eps}}));
}

}  // namespace

Pass hold_weights() {
  return rewrite_pass("hold_weights", "weights beside products and norms into their layers",
                      weight_rules());
}

std::vector<Rule> weight_rules() {
  return {make_rule("norm_weight", {ops::kMul}, match_norm_weight, rewrite_norm_weight),
          make_rule("linear_of_rows", {ops::kLinear}, match_linear_of_rows, rewrite_linear_of_rows),
          make_rule("product_with_weight", {ops::kMatmul}, match_product_with_weight,
                    rewrite_product_with_weight),
          make_rule("added_bias", {ops::kAdd}, match_added_bias, rewrite_added_bias)};
}

}  // namespace ferryman::keras
