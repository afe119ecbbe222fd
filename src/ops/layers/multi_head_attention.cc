// Attention between its projections, as one layer. Nothing is imported as it: a target that has
// such layers recognises them.
#include "ops/layers/multi_head_attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"

namespace ferryman {

namespace {

// ---- row ----

struct Widths {
  int64_t heads, key_heads;
  int64_t of_key, of_value;  // of one head
};

Widths widths_of(const AttrsView& attrs, int64_t query_rows, int64_t value_rows) {
  const int64_t heads = attrs[attr::kNumHeads];
  const int64_t key_heads = attrs[attr::kNumKeyHeads];
  return {heads, key_heads, query_rows / heads, value_rows / key_heads};
}

Status check_heads(const AttrsView& attrs) {
  const int64_t heads = attrs[attr::kNumHeads];
  const int64_t key_heads = attrs[attr::kNumKeyHeads];
  if (heads > 0 && key_heads > 0 && heads % key_heads == 0) return {};
  return shape_error(fmt::format("{} heads of queries and {} of keys", heads, key_heads));
}

Status check_dims(const InferArgs& args, size_t operand, const Dims& dims) {
  if (!args.has(operand) || args.operand(operand).dims == dims) return {};
  return shape_error(fmt::format("operand {} of shape {} instead of {}", operand,
                                 print_dims(args.operand(operand).dims, args.symbols),
                                 print_dims(dims, args.symbols)));
}

Status check_mask(const InferArgs& args, const Dims& scores) {
  if (!args.has(kAttentionMask)) return {};
  if (args.attrs[attr::kIsCausal]) return shape_error("a mask that is causal as well");
  const TensorType& mask = args.operand(kAttentionMask);
  if (mask.dtype != DType::kBool || mask.rank() != scores.size())
    return shape_error("a mask that is not of bools for each batch, head, row and column");
  FERRYMAN_TRY(const Dims all, broadcast_dims(scores, mask.dims, args.symbols));
  return all == scores ? Status() : shape_error("a mask that is larger than the scores");
}

InferResult infer_multi_head_attention(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_heads(args.attrs));
  for (const size_t i : {kAttentionQuery, kAttentionKey, kAttentionValue}) {
    if (args.operand(i).rank() != 3) return shape_error("a sequence that has not three axes");
  }
  for (size_t i = kQueryWeight; i <= kOutputWeight; ++i) {
    if (args.operand(i).rank() != 2 || !all_static(args.operand(i).dims))
      return shape_error("a weight that is no matrix");
  }
  const Dims& query = args.operand(kAttentionQuery).dims;
  const Dims& key = args.operand(kAttentionKey).dims;
  const Dims& value = args.operand(kAttentionValue).dims;
  const Dims& output = args.operand(kOutputWeight).dims;
  const Widths widths = widths_of(args.attrs, args.operand(kQueryWeight).dims[0].size(),
                                  args.operand(kValueWeight).dims[0].size());
  const Dim queries(widths.heads * widths.of_key), keys(widths.key_heads * widths.of_key);
  const Dim values(widths.key_heads * widths.of_value), merged(widths.heads * widths.of_value);
  const std::pair<size_t, Dims> demands[] = {
      {kAttentionKey, {query[0], key[1], key[2]}},
      {kAttentionValue, {query[0], key[1], value[2]}},
      {kQueryWeight, {queries, query[2]}},
      {kKeyWeight, {keys, key[2]}},
      {kValueWeight, {values, value[2]}},
      {kOutputWeight, {output[0], merged}},
      {kQueryBias, {queries}},
      {kKeyBias, {keys}},
      {kValueBias, {values}},
      {kOutputBias, {output[0]}},
  };
  for (const auto& [operand, dims] : demands) FERRYMAN_TRY_STATUS(check_dims(args, operand, dims));
  FERRYMAN_TRY_STATUS(check_mask(args, {query[0], Dim(widths.heads), query[1], key[1]}));
  return std::vector{
      TensorType{args.operand(kAttentionQuery).dtype, {query[0], query[1], output[0]}}};
}

// ---- evaluation ----

struct Matrix {
  std::vector<double> elems;
  size_t width = 0;

  const double* row(size_t index) const { return elems.data() + index * width; }
};

// x weight^T + bias, for all rows of x.
Matrix project(const Matrix& x, const EvalArgs& args, size_t weight, size_t bias) {
  const std::vector<double> of_weight = args.operand(weight).to_doubles();
  const auto width = static_cast<size_t>(args.operand(weight).shape()[0]);
  const std::vector<double> of_bias =
      args.has(bias) ? args.operand(bias).to_doubles() : std::vector<double>(width, 0.0);
  const size_t rows = x.width == 0 ? 0 : x.elems.size() / x.width;
  Matrix result = {{}, width};
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < width; ++i) {
      double sum = of_bias[i];
      for (size_t j = 0; j < x.width; ++j) sum += x.row(row)[j] * of_weight[i * x.width + j];
      result.elems.push_back(sum);
    }
  }
  return result;
}

Matrix operand_rows(const EvalArgs& args, size_t operand) {
  return {args.operand(operand).to_doubles(),
          static_cast<size_t>(args.operand(operand).shape().back())};
}

class Evaluation {
 public:
  explicit Evaluation(const EvalArgs& args)
      : batch_(static_cast<size_t>(args.operand(kAttentionQuery).shape()[0])),
        rows_(static_cast<size_t>(args.operand(kAttentionQuery).shape()[1])),
        columns_(static_cast<size_t>(args.operand(kAttentionKey).shape()[1])),
        widths_(widths_of(args.attrs, args.operand(kQueryWeight).shape()[0],
                          args.operand(kValueWeight).shape()[0])),
        query_(project(operand_rows(args, kAttentionQuery), args, kQueryWeight, kQueryBias)),
        key_(project(operand_rows(args, kAttentionKey), args, kKeyWeight, kKeyBias)),
        value_(project(operand_rows(args, kAttentionValue), args, kValueWeight, kValueBias)),
        seen_(batch_ * heads() * rows_ * columns_, 1.0) {
    if (args.has(kAttentionMask)) {
      const Ints scores = {static_cast<int64_t>(batch_), widths_.heads, static_cast<int64_t>(rows_),
                           static_cast<int64_t>(columns_)};
      seen_ = args.operand(kAttentionMask).broadcast_to(scores).to_doubles();
    }
    if (!args.attrs[attr::kIsCausal]) return;
    for (size_t i = 0; i < seen_.size(); ++i)
      if (i % columns_ > i / columns_ % rows_) seen_[i] = 0.0;
  }

  // The heads of each row beside each other.
  Matrix attend() const {
    const auto width = static_cast<size_t>(widths_.of_value);
    Matrix result = {std::vector<double>(batch_ * rows_ * heads() * width, 0.0), heads() * width};
    for (size_t row = 0; row < batch_ * rows_; ++row) {
      for (size_t head = 0; head < heads(); ++head) {
        const std::vector<double> weights = weights_of(row, head);
        const size_t first = row / rows_ * columns_;
        for (size_t j = 0; j < columns_; ++j) {
          const double* value = value_.row(first + j) + key_head(head) * width;
          for (size_t i = 0; i < width; ++i)
            result.elems[row * result.width + head * width + i] += weights[j] * value[i];
        }
      }
    }
    return result;
  }

 private:
  size_t heads() const { return static_cast<size_t>(widths_.heads); }
  size_t key_head(size_t head) const {
    return head / static_cast<size_t>(widths_.heads / widths_.key_heads);
  }

  // How much the row, counted over all batches, takes of each value. What is not seen has the
  // lowest score, so that a row that sees nothing takes the same of all.
  std::vector<double> weights_of(size_t row, size_t head) const {
    if (columns_ == 0) return {};
    constexpr double kUnseen = std::numeric_limits<float>::lowest();
    const auto width = static_cast<size_t>(widths_.of_key);
    const double* query = query_.row(row) + head * width;
    const size_t of_mask = ((row / rows_ * heads() + head) * rows_ + row % rows_) * columns_;
    std::vector<double> scores(columns_, kUnseen);
    for (size_t j = 0; j < columns_; ++j) {
      if (seen_[of_mask + j] == 0.0) continue;
      const double* key = key_.row(row / rows_ * columns_ + j) + key_head(head) * width;
      double sum = 0;
      for (size_t e = 0; e < width; ++e) sum += query[e] * key[e];
      scores[j] = sum / std::sqrt(static_cast<double>(width));
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    double total = 0;
    for (double& score : scores) total += score = std::exp(score - largest);
    for (double& score : scores) score /= total;
    return scores;
  }

  size_t batch_, rows_, columns_;
  Widths widths_;
  Matrix query_, key_, value_;
  std::vector<double> seen_;  // [batch, heads, rows, columns]
};

EvalResult eval_multi_head_attention(const EvalArgs& args) {
  const Matrix attended = Evaluation(args).attend();
  return one(
      store_doubles(args.results[0], project(attended, args, kOutputWeight, kOutputBias).elems));
}

}  // namespace

void add_multi_head_attention_ops(Ops& ops) {
  ops.set.define(ops::kMultiHeadAttention)
      .doc("Projections to heads, softmax(q k^T / sqrt(E)) v of each, and the projection of all")
      .operand("query", DTypeSet::kFloating)
      .operand("key", DTypeSet::kFloating)
      .operand("value", DTypeSet::kFloating)
      .operand("query_weight", DTypeSet::kFloating)
      .operand("key_weight", DTypeSet::kFloating)
      .operand("value_weight", DTypeSet::kFloating)
      .operand("output_weight", DTypeSet::kFloating)
      .optional_operand("query_bias", DTypeSet::kFloating)
      .optional_operand("key_bias", DTypeSet::kFloating)
      .optional_operand("value_bias", DTypeSet::kFloating)
      .optional_operand("output_bias", DTypeSet::kFloating)
      .optional_operand("mask", DTypeSet::kBool)  // what is seen
      .attr(attr::kNumHeads)
      .attr(attr::kNumKeyHeads)
      .attr(attr::kIsCausal, false)
      .attr(attr::kProbability, 0.0)  // of dropout behind the softmax, in training
      .result(infer_multi_head_attention)
      .eval(eval_multi_head_attention);
}

}  // namespace ferryman
