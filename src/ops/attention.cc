// Scaled dot product attention, written with products, a sum and a softmax. The passes fold the
// scale into what makes the queries; targets keep the products whole.
//
//   softmax(q k^T * scale + bias) v        q: [.., L, E], k: [.., S, E], v: [.., S, Ev]
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

constexpr double kLowest = std::numeric_limits<float>::lowest();

// What is added to the scores, and 1 for each row that sees anything, 0 for the others (torch gives
// zeros there): both invalid where nothing is masked.
struct Mask {
  ValueId bias, row_is_seen;
};

// The lowest number instead of minus infinity: a row of infinities would become NaN.
Result<Mask> mask_from_bools(ImportContext& call, ValueId seen, DType dtype) {
  const ValueId zero = call.builder().scalar(dtype, 0);
  const ValueId lowest = call.builder().scalar(dtype, kLowest);
  FERRYMAN_TRY(const ValueId bias, call.emit(ops::kWhere, {seen, zero, lowest}));
  const auto last = static_cast<int64_t>(rank_of(call, seen)) - 1;
  FERRYMAN_TRY(const ValueId any,
               call.emit(ops::kAny, {seen}, {{attr::kAxes, Axes{{last}}}, {attr::kKeepDim, true}}));
  FERRYMAN_TRY(const ValueId row, as_dtype(call, any, dtype));
  return Mask{bias, row};
}

Result<Mask> mask_from_numbers(ImportContext& call, ValueId added, DType dtype) {
  const ValueId infinity = call.builder().scalar(dtype, -std::numeric_limits<double>::infinity());
  FERRYMAN_TRY(const ValueId seen, call.emit(ops::kNe, {added, infinity}));
  FERRYMAN_TRY(Mask mask, mask_from_bools(call, seen, dtype));
  const ValueId lowest = call.builder().scalar(dtype, kLowest);
  FERRYMAN_TRY(mask.bias, call.emit(ops::kMaximum, {added, lowest}));
  return mask;
}

// Row i sees the columns up to i.
Result<Mask> causal_mask(ImportContext& call, int64_t rows, int64_t columns, DType dtype) {
  std::vector<float> values(static_cast<size_t>(rows * columns), 0.0F);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = row + 1; column < columns; ++column)
      values[static_cast<size_t>(row * columns + column)] = static_cast<float>(kLowest);
  }
  const ValueId bias =
      call.builder().constant(TensorData::of<float>({rows, columns}, values), "causal_mask");
  FERRYMAN_TRY(const ValueId cast, as_dtype(call, bias, dtype));
  return Mask{cast, ValueId()};
}

Result<Mask> read_mask(ImportContext& call, int64_t rows, int64_t columns, DType dtype) {
  FERRYMAN_TRY(const bool is_causal, call.flag("is_causal", false));
  FERRYMAN_TRY(const ValueId given, call.optional_tensor("attn_mask"));
  if (is_causal && given.valid()) return call.unsupported("a mask that is causal as well");
  if (is_causal) return causal_mask(call, rows, columns, dtype);
  if (!given.valid()) return Mask{};
  if (dtype_of(call, given) == DType::kBool) return mask_from_bools(call, given, dtype);
  FERRYMAN_TRY(const ValueId added, as_dtype(call, given, dtype));
  return mask_from_numbers(call, added, dtype);
}

Result<double> read_scale(ImportContext& call, int64_t features) {
  const double usual = 1.0 / std::sqrt(static_cast<double>(features));
  if (!call.given("scale")) return usual;
  return call.number("scale");
}

// Keys and values of fewer heads serve several heads of queries each (grouped-query attention): the
// queries of a group become rows of one matrix, [.., H, L, E] -> [.., G, H / G * L, E], which moves
// nothing.
Result<ValueId> group_heads(ImportContext& call, ValueId x, int64_t groups) {
  Ints sizes = sizes_of(call, x);
  const size_t heads = sizes.size() - 3;
  sizes[heads + 1] *= sizes[heads] / groups;
  sizes[heads] = groups;
  return emit_reshape(call, x, sizes);
}

struct Attention {
  ValueId query, key, value;
  Mask mask;
  double scale = 1;
  int64_t groups = 0;  // 0: as many heads of keys as of queries
};

// 0 if queries, keys and values have the same heads.
Result<int64_t> count_groups(ImportContext& call, ValueId query, ValueId key, ValueId value) {
  FERRYMAN_TRY(const bool enabled, call.flag("enable_gqa", false));
  if (!enabled || rank_of(call, query) < 3) return int64_t{0};
  const Ints queries = sizes_of(call, query);
  const Ints keys = sizes_of(call, key);
  const Ints values = sizes_of(call, value);
  const int64_t heads = queries[queries.size() - 3];
  const int64_t groups = keys[keys.size() - 3];
  if (groups == 0 || heads % groups != 0 || values[values.size() - 3] != groups)
    return call.unsupported("heads of keys and values that do not divide those of the queries");
  return heads == groups ? 0 : groups;
}

// The scores, [.., H, L, S].
Result<ValueId> emit_scores(ImportContext& call, const Attention& in) {
  const ValueId scale = scalar_like(call, in.query, in.scale);
  FERRYMAN_TRY(ValueId query, call.emit(ops::kMul, {in.query, scale}));
  Ints sizes = sizes_of(call, query);
  sizes.back() = sizes_of(call, in.key)[rank_of(call, in.key) - 2];
  if (in.groups != 0) {
    FERRYMAN_TRY(query, group_heads(call, query, in.groups));
  }
  Ints turned(rank_of(call, in.key));
  for (size_t i = 0; i < turned.size(); ++i) turned[i] = static_cast<int64_t>(i);
  std::swap(turned[turned.size() - 1], turned[turned.size() - 2]);
  FERRYMAN_TRY(const ValueId key, emit_permute(call, in.key, turned));
  FERRYMAN_TRY(const ValueId scores, call.emit(ops::kMatmul, {query, key}));
  return in.groups == 0 ? scores : emit_reshape(call, scores, sizes);
}

Result<ValueId> emit_attention(ImportContext& call, const Attention& in) {
  FERRYMAN_TRY(ValueId scores, emit_scores(call, in));
  if (in.mask.bias.valid()) {
    FERRYMAN_TRY(scores, call.emit(ops::kAdd, {scores, in.mask.bias}));
  }
  const auto last = static_cast<int64_t>(rank_of(call, scores)) - 1;
  FERRYMAN_TRY(ValueId weights, call.emit(ops::kSoftmax, {scores}, {{attr::kAxis, Axis{last}}}));
  Ints sizes = sizes_of(call, weights);
  sizes.back() = sizes_of(call, in.value).back();
  if (in.groups != 0) {
    FERRYMAN_TRY(weights, group_heads(call, weights, in.groups));
  }
  FERRYMAN_TRY(ValueId result, call.emit(ops::kMatmul, {weights, in.value}));
  if (in.groups != 0) {
    FERRYMAN_TRY(result, emit_reshape(call, result, sizes));
  }
  if (!in.mask.row_is_seen.valid()) return result;
  return call.emit(ops::kMul, {result, in.mask.row_is_seen});
}

// Only the first result of the fused forms: the others serve the backward pass.
Imported import_attention(ImportContext& call) {
  Attention in;
  FERRYMAN_TRY(in.query, call.tensor("query"));
  FERRYMAN_TRY(in.key, call.tensor("key"));
  FERRYMAN_TRY(in.value, call.tensor("value"));
  FERRYMAN_TRY(const double dropout, call.number("dropout_p", 0.0));
  if (dropout != 0.0) {
    return call.unsupported("with dropout")
        .because("a file draws no random numbers")
        .hint("call model.eval() first, and write dropout_p=p if self.training else 0.0");
  }
  const Ints sizes = sizes_of(call, in.query);
  if (sizes.size() < 2 || rank_of(call, in.key) < 2 || rank_of(call, in.value) < 2)
    return call.unsupported("operands of fewer than two axes");
  FERRYMAN_TRY(in.scale, read_scale(call, sizes.back()));
  const int64_t columns = sizes_of(call, in.key)[rank_of(call, in.key) - 2];
  FERRYMAN_TRY(in.mask,
               read_mask(call, sizes[sizes.size() - 2], columns, dtype_of(call, in.query)));
  FERRYMAN_TRY(in.groups, count_groups(call, in.query, in.key, in.value));
  FERRYMAN_TRY(const ValueId result, emit_attention(call, in));
  std::vector<ValueId> results(call.num_results());
  results.front() = result;
  return results;
}

}  // namespace

void add_attention_ops(Ops& ops) {
  ops.imports.add({"scaled_dot_product_attention.default",
                   "_scaled_dot_product_flash_attention_for_cpu.default"},
                  import_attention);
}

}  // namespace ferryman
