// Attention, written with products, a sum and a softmax. Passes fold the scale into what makes the
// queries; the products stay whole.
//
//   softmax(q k^T * scale + bias) v        q: [.., L, E], k: [.., S, E], v: [.., S, Ev]
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/layers/multi_head_attention.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"
#include "passes/positions/linear_form.h"

namespace ferryman {

namespace {

constexpr double kLowest = std::numeric_limits<float>::lowest();

// What is added to the scores, and 1 for each row that sees anything, 0 for the others, whose
// result is zero: both invalid where nothing is masked.
struct Mask {
  ValueId bias, row_is_seen;
};

// The lowest number instead of minus infinity: a row of infinities would become NaN.
Mask mask_from_bools(CoreWriter write, ValueId seen, DType dtype) {
  const ValueId zero = write.scalar(dtype, 0);
  const ValueId bias = write.where(seen, zero, write.scalar(dtype, kLowest));
  const auto last = static_cast<int64_t>(write.dims(seen).size()) - 1;
  if (LinearForms(write.graph()).has_true_along(seen, static_cast<size_t>(last)))
    return {bias, ValueId()};
  const ValueId any = write.reduce(ops::kAny, seen, {last}, /*keepdim=*/true);
  return {bias, write.cast(any, dtype)};
}

Mask mask_from_numbers(CoreWriter write, ValueId added) {
  const double infinity = std::numeric_limits<double>::infinity();
  const ValueId seen = write.binary(ops::kNe, added, -infinity);
  Mask mask = mask_from_bools(write, seen, write.type(added).dtype);
  mask.bias = write.binary(ops::kMaximum, added, kLowest);
  return mask;
}

// Row i sees the columns up to i.
Mask causal_mask(CoreWriter write, int64_t rows, int64_t columns, DType dtype) {
  std::vector<float> values(static_cast<size_t>(rows * columns), 0.0F);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = row + 1; column < columns; ++column)
      values[static_cast<size_t>(row * columns + column)] = static_cast<float>(kLowest);
  }
  const ValueId bias =
      write.constant(TensorData::of<float>({rows, columns}, values), "causal_mask");
  return {write.cast(bias, dtype), ValueId()};
}

Mask causal_mask_of_free_size(CoreWriter write, Dim rows, Dim columns, DType dtype) {
  const ValueId row = write.reshape(write.numbers(rows, "rows"), Dims{rows, 1});
  const ValueId column = write.numbers(columns, "columns");
  const ValueId zero = write.scalar(dtype, 0);
  return {write.where(write.binary(ops::kLe, column, row), zero, write.scalar(dtype, kLowest)),
          ValueId()};
}

Mask mask_of(CoreWriter write, const Op& op) {
  const Graph& graph = write.graph();
  const TensorType query = graph.type(op.operands[0]);
  if (op.attr(attr::kIsCausal)) {
    const Dims& keys = graph.type(op.operands[1]).dims;
    const Dim rows = query.dims[query.rank() - 2], columns = keys[keys.size() - 2];
    if (!rows.is_static() || !columns.is_static())
      return causal_mask_of_free_size(write, rows, columns, query.dtype);
    return causal_mask(write, rows.size(), columns.size(), query.dtype);
  }
  if (!op.has_operand(3)) return {};
  if (graph.type(op.operands[3]).dtype == DType::kBool)
    return mask_from_bools(write, op.operands[3], query.dtype);
  return mask_from_numbers(write, op.operands[3]);
}

// The number of heads of keys where it is another than that of queries, or 0.
int64_t groups_of(const Graph& graph, const Op& op) {
  if (!op.attr(attr::kGroupedHeads)) return 0;
  const Dims& queries = graph.type(op.operands[0]).dims;
  const Dims& keys = graph.type(op.operands[1]).dims;
  const Dim groups = keys[keys.size() - 3];
  return groups == queries[queries.size() - 3] ? 0 : groups.size();
}

// Keys and values of fewer heads serve several heads of queries each: the queries of a group become
// rows of one matrix, [.., H, L, E] -> [.., G, H / G * L, E], which moves nothing.
ValueId group_heads(CoreWriter write, ValueId x, int64_t groups) {
  Dims sizes = write.dims(x);
  const size_t heads = sizes.size() - 3;
  sizes[heads + 1] = write.symbols().mul(sizes[heads + 1], sizes[heads].size() / groups);
  sizes[heads] = groups;
  return write.reshape(x, sizes);
}

// [.., H, L, A] [.., G, A, B] -> [.., H, L, B], where each matrix on the right serves the heads of
// its group; 0 groups: each its own.
ValueId product_of_heads(CoreWriter write, ValueId x, ValueId other, int64_t groups) {
  if (groups == 0) return write.binary(ops::kMatmul, x, other);
  Dims dims = write.dims(x);
  dims.back() = write.dims(other).back();
  return write.reshape(write.binary(ops::kMatmul, group_heads(write, x, groups), other), dims);
}

ValueId transposed(CoreWriter write, ValueId x) {
  Ints perm = iota_axes(write.dims(x).size());
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return write.permute(x, perm);
}

ValueId attention(CoreWriter write, const Op& op) {
  const Mask mask = mask_of(write, op);
  const int64_t groups = groups_of(write.graph(), op);
  const ValueId query = write.mul(op.operands[0], op.attr(attr::kScale));
  ValueId scores = product_of_heads(write, query, transposed(write, op.operands[1]), groups);
  if (mask.bias.valid()) scores = write.add(scores, mask.bias);
  const auto last = static_cast<int64_t>(write.dims(scores).size()) - 1;
  const ValueId weights = write.op(ops::kSoftmax, {scores}, {{attr::kAxis, Axis{last}}});
  const ValueId result = product_of_heads(write, weights, op.operands[2], groups);
  return mask.row_is_seen.valid() ? write.mul(result, mask.row_is_seen) : result;
}

// [B, T, D] -> [B, heads, T, E]
ValueId heads_of(CoreWriter write, ValueId x, ValueId weight, ValueId bias, int64_t heads) {
  const Dims dims = write.dims(x);
  const ValueId projected = write.linear(x, weight, bias);
  const int64_t width = write.size(weight, 0) / heads;
  return write.permute(write.reshape(projected, Dims{dims[0], dims[1], heads, width}),
                       {0, 2, 1, 3});
}

// The lowest number for what is not seen: a row that sees nothing is the mean of all values.
ValueId attention_layer(CoreWriter write, const Op& op) {
  const int64_t heads = op.attr(attr::kNumHeads), key_heads = op.attr(attr::kNumKeyHeads);
  const auto operand = [&](size_t index) {
    return op.has_operand(index) ? op.operands[index] : ValueId();
  };
  const auto project = [&](size_t x, size_t weight, size_t bias, int64_t count) {
    return heads_of(write, operand(x), operand(weight), operand(bias), count);
  };
  const ValueId query = project(kAttentionQuery, kQueryWeight, kQueryBias, heads);
  const ValueId key = project(kAttentionKey, kKeyWeight, kKeyBias, key_heads);
  const ValueId value = project(kAttentionValue, kValueWeight, kValueBias, key_heads);
  ValueId mask = operand(kAttentionMask);
  if (mask.valid()) {
    const ValueId zero = write.scalar(write.dtype(query), 0);
    mask = write.where(mask, zero, write.scalar(write.dtype(query), kLowest));
  }
  const double scale = 1 / std::sqrt(static_cast<double>(write.size(query, 3)));
  const ValueId attended = write.op(ops::kAttention, {query, key, value, mask},
                                    {{attr::kScale, scale},
                                     {attr::kIsCausal, bool(op.attr(attr::kIsCausal))},
                                     {attr::kGroupedHeads, heads != key_heads}});
  const Dims dims = write.dims(operand(kAttentionQuery));
  const ValueId merged =
      write.reshape(write.permute(attended, {0, 2, 1, 3}),
                    Dims{dims[0], dims[1], write.size(operand(kOutputWeight), 1)});
  return write.linear(merged, operand(kOutputWeight), operand(kOutputBias));
}

}  // namespace

std::vector<Rule> attention_decompositions() {
  return {decomposition("attention_layer_to_parts", {ops::kMultiHeadAttention}, attention_layer),
          decomposition("attention_to_products", {ops::kAttention}, attention)};
}

}  // namespace ferryman
