// Scaled dot product attention.
//
//   softmax(q k^T * scale + bias) v        q: [.., L, E], k: [.., S, E], v: [.., S, Ev]
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

constexpr size_t kQuery = 0, kKey = 1, kValue = 2, kMask = 3;
constexpr double kUnseen = -std::numeric_limits<double>::infinity();

// ---- row ----

Status check_operands(const InferArgs& args) {
  const TensorType& query = args.operand(kQuery);
  const TensorType& key = args.operand(kKey);
  const TensorType& value = args.operand(kValue);
  const bool fits = query.rank() >= 2 && key.rank() >= 2 && value.rank() >= 2 &&
                    query.dims.back() == key.dims.back() &&
                    key.dims[key.rank() - 2] == value.dims[value.rank() - 2] &&
                    key.dtype == query.dtype && value.dtype == query.dtype;
  if (!fits) {
    return shape_error(
        fmt::format("queries {}, keys {} and values {}", print_dims(query.dims, args.symbols),
                    print_dims(key.dims, args.symbols), print_dims(value.dims, args.symbols)));
  }
  if (!args.has(kMask)) return {};
  const DType mask = args.operand(kMask).dtype;
  if (mask != DType::kBool && mask != query.dtype)
    return shape_error("a mask that is neither of bools nor of the queries' type");
  return args.attrs[attr::kIsCausal] ? shape_error("a mask that is causal as well") : Status();
}

Dims batch_of(const TensorType& type) {
  return Dims(type.dims.begin(), type.dims.end() - 2);
}

// The batch axes of keys or values as those of the queries they serve.
Result<Dims> served_batch(const InferArgs& args, size_t operand) {
  Dims batch = batch_of(args.operand(operand));
  if (!args.attrs[attr::kGroupedHeads]) return batch;
  const Dims queries = batch_of(args.operand(kQuery));
  const bool has_heads = !queries.empty() && queries.back().is_static() && !batch.empty() &&
                         batch.back().is_static() && batch.back().size() > 0;
  if (!has_heads || queries.back().size() % batch.back().size() != 0)
    return shape_error("heads of keys and values that do not divide those of the queries");
  batch.back() = queries.back();
  FERRYMAN_TRY(const Dims all, broadcast_dims(queries, batch, args.symbols));
  if (!(all == queries)) return shape_error("more batches of grouped heads than queries have");
  return batch;
}

InferResult infer_attention(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_operands(args));
  const TensorType& query = args.operand(kQuery);
  const TensorType& key = args.operand(kKey);
  FERRYMAN_TRY(const Dims key_batch, served_batch(args, kKey));
  FERRYMAN_TRY(const Dims value_batch, served_batch(args, kValue));
  const bool same_heads =
      !args.attrs[attr::kGroupedHeads] ||
      key.dims[key.rank() - 3] == args.operand(kValue).dims[args.operand(kValue).rank() - 3];
  if (!same_heads) return shape_error("keys and values of different heads");
  FERRYMAN_TRY(Dims dims, broadcast_dims(batch_of(query), key_batch, args.symbols));
  dims.push_back(query.dims[query.rank() - 2]);
  dims.push_back(key.dims[key.rank() - 2]);
  if (args.has(kMask)) {
    const Dims scores = dims;
    FERRYMAN_TRY(dims, broadcast_dims(scores, args.operand(kMask).dims, args.symbols));
    const bool keeps_matrices =
        dims.back() == scores.back() && dims[dims.size() - 2] == scores[scores.size() - 2];
    if (!keeps_matrices) return shape_error("a mask of more rows or columns than there are scores");
  }
  const Dims matrix(dims.end() - 2, dims.end());
  FERRYMAN_TRY(dims, broadcast_dims(Dims(dims.begin(), dims.end() - 2), value_batch, args.symbols));
  dims.push_back(matrix.front());
  dims.push_back(args.operand(kValue).dims.back());
  return std::vector{TensorType{query.dtype, std::move(dims)}};
}

// ---- evaluation ----

// [.., G, S, E] as [.., H, S, E]: each matrix as often as heads of queries read it.
TensorData for_each_head(const TensorData& x, int64_t heads) {
  Ints shape = x.shape();
  const size_t axis = shape.size() - 3;
  if (shape[axis] == heads) return x;
  Ints apart = shape;
  apart.insert(apart.begin() + static_cast<std::ptrdiff_t>(axis) + 1, 1);
  Ints repeated = apart;
  repeated[axis + 1] = heads / shape[axis];
  shape[axis] = heads;
  return x.reshaped(apart).broadcast_to(repeated).materialised().reshaped(shape);
}

// All batches of an operand, its last two axes being a matrix.
std::vector<double> matrices(const TensorData& x, const Ints& batch) {
  Ints shape = batch;
  shape.insert(shape.end(), x.shape().end() - 2, x.shape().end());
  return x.broadcast_to(shape).to_doubles();
}

// What is added to each score; minus infinity where it is not seen.
std::vector<double> biases(const EvalArgs& args, const Ints& batch, int64_t rows, int64_t columns) {
  std::vector<double> bias(static_cast<size_t>(product(batch) * rows * columns), 0.0);
  if (args.has(kMask)) {
    Ints shape = batch;
    shape.push_back(rows);
    shape.push_back(columns);
    bias = args.operand(kMask).broadcast_to(shape).to_doubles();
    if (args.operand(kMask).dtype() == DType::kBool) {
      for (double& seen : bias) seen = seen != 0 ? 0.0 : kUnseen;
    }
  }
  if (!args.attrs[attr::kIsCausal]) return bias;
  for (size_t i = 0; i < bias.size(); ++i) {
    const auto position = static_cast<int64_t>(i);
    if (position % columns > position / columns % rows) bias[i] = kUnseen;
  }
  return bias;
}

// In place; a row that sees nothing becomes zeros.
void softmax_of_seen(std::span<double> scores, std::span<const double> bias) {
  double largest = kUnseen;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (bias[i] != kUnseen) largest = std::max(largest, scores[i] += bias[i]);
  }
  double sum = 0;
  for (size_t i = 0; i < scores.size(); ++i)
    sum += scores[i] = bias[i] == kUnseen ? 0.0 : std::exp(scores[i] - largest);
  if (sum == 0) return;
  for (double& score : scores) score /= sum;
}

// Row-major matrices of all batches, as many of keys and values as of queries.
struct Matrices {
  std::vector<double> query, key, value, bias;
  size_t rows = 0, columns = 0, features = 0, width = 0;
};

Matrices read_operands(const EvalArgs& args) {
  const Ints shape = static_sizes(args.results[0].dims);
  const Ints batch(shape.begin(), shape.end() - 2);
  const bool is_grouped = args.attrs[attr::kGroupedHeads];
  const auto served = [&](size_t operand) {
    const TensorData& x = args.operand(operand);
    return matrices(is_grouped ? for_each_head(x, batch.back()) : x, batch);
  };
  const int64_t rows = shape[shape.size() - 2];
  const int64_t columns = *(args.operand(kKey).shape().end() - 2);
  return {.query = matrices(args.operand(kQuery), batch),
          .key = served(kKey),
          .value = served(kValue),
          .bias = biases(args, batch, rows, columns),
          .rows = static_cast<size_t>(rows),
          .columns = static_cast<size_t>(columns),
          .features = static_cast<size_t>(args.operand(kQuery).shape().back()),
          .width = static_cast<size_t>(shape.back())};
}

// How much the row of queries, counted over all batches, takes of each value.
std::vector<double> weights_of(const Matrices& in, size_t row, double scale) {
  const size_t first_key = row / in.rows * in.columns;
  std::vector<double> scores(in.columns, 0.0);
  for (size_t j = 0; j < in.columns; ++j) {
    for (size_t e = 0; e < in.features; ++e)
      scores[j] += in.query[row * in.features + e] * in.key[(first_key + j) * in.features + e];
    scores[j] *= scale;
  }
  softmax_of_seen(scores, std::span(in.bias).subspan(row * in.columns, in.columns));
  return scores;
}

EvalResult eval_attention(const EvalArgs& args) {
  const Matrices in = read_operands(args);
  std::vector<double> result(static_cast<size_t>(num_elements(args.results[0].dims)), 0.0);
  for (size_t row = 0; row * in.width < result.size(); ++row) {
    const std::vector<double> weights = weights_of(in, row, args.attrs[attr::kScale]);
    const size_t first_value = row / in.rows * in.columns;
    for (size_t j = 0; j < in.columns; ++j) {
      for (size_t i = 0; i < in.width; ++i)
        result[row * in.width + i] += weights[j] * in.value[(first_value + j) * in.width + i];
    }
  }
  return one(store_doubles(args.results[0], result));
}

// ---- import ----

Result<ValueId> read_mask(ImportContext& call, bool is_causal, DType dtype) {
  FERRYMAN_TRY(const ValueId given, call.optional_tensor("attn_mask"));
  if (is_causal && given.valid()) return call.unsupported("a mask that is causal as well");
  const CoreWriter write = call.writer();
  if (!given.valid() || write.dtype(given) == DType::kBool) return given;
  return write.cast(given, dtype);
}

// Only the first result of the fused forms: the others serve the backward pass.
Imported import_attention(ImportContext& call) {
  FERRYMAN_TRY(const ValueId query, call.tensor("query"));
  FERRYMAN_TRY(const ValueId key, call.tensor("key"));
  FERRYMAN_TRY(const ValueId value, call.tensor("value"));
  FERRYMAN_TRY(const double dropout, call.number("dropout_p", 0.0));
  if (dropout != 0.0) {
    return call.unsupported("with dropout")
        .because("a file draws no random numbers")
        .hint("call model.eval() first, and write dropout_p=p if self.training else 0.0");
  }
  const CoreWriter write = call.writer();
  if (write.rank(query) < 2) return call.unsupported("operands of fewer than two axes");
  FERRYMAN_TRY(const bool is_causal, call.flag("is_causal", false));
  FERRYMAN_TRY(const ValueId mask, read_mask(call, is_causal, write.dtype(query)));
  FERRYMAN_TRY(const bool is_grouped, call.flag("enable_gqa", false));
  const auto features = static_cast<double>(write.dims(query).back().size());
  FERRYMAN_TRY(const double scale, call.number("scale", 1.0 / std::sqrt(features)));
  std::vector<ValueId> results(call.num_results());
  results.front() = write.op(ops::kAttention, {query, key, value, mask},
                             {{attr::kScale, scale},
                              {attr::kIsCausal, is_causal},
                              {attr::kGroupedHeads, is_grouped && write.rank(query) >= 3}});
  return results;
}

}  // namespace

void add_attention_ops(Ops& ops) {
  ops.set.define(ops::kAttention)
      .doc("softmax(query key^T * scale + mask) value; rows that see nothing are 0")
      .operand("query", DTypeSet::kFloating)
      .operand("key", DTypeSet::kFloating)
      .operand("value", DTypeSet::kFloating)
      .optional_operand("mask")  // bools: what is seen; numbers: what is added
      .attr(attr::kScale, 1.0)
      .attr(attr::kIsCausal, false)
      .attr(attr::kGroupedHeads, false)  // keys of fewer heads serve several heads of queries
      .result(infer_attention)
      .eval(eval_attention);
  ops.imports.add({"scaled_dot_product_attention.default",
                   "_scaled_dot_product_flash_attention_for_cpu.default"},
                  import_attention);
}

}  // namespace ferryman
