// The axis rule of every row against its evaluator: where a rule says that positions along an axis
// do not matter, the op on shuffled operands gives the shuffled results.
#include "ops/op_axes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "ir/evaluate.h"
#include "ir/print.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_tensor.h"

namespace ferryman {
namespace {

constexpr int kTriesPerOp = 120;

// New position of each element along each axis.
using Shuffles = std::map<int, Ints>;

// The extent of each axis that tensors share and whose positions do not matter; none where the
// tensors that have it differ in it, as along an axis that one has repeated.
std::map<int, int64_t> free_axes(const Graph& graph, const Op& op, const OpAxes& axes) {
  std::map<int, int64_t> extents;
  std::set<int> left_out;
  const auto see = [&](ValueId value, const std::vector<int>& list) {
    for (size_t d = 0; value.valid() && d < list.size(); ++d) {
      const int64_t size = graph.type(value).dims[d].size();
      if (list[d] < 0 || axes.axes[static_cast<size_t>(list[d])].positional || size == 1) continue;
      const auto [known, is_new] = extents.emplace(list[d], size);
      if (!is_new && known->second != size) left_out.insert(list[d]);
    }
  };
  for (size_t t = 0; t < op.operands.size(); ++t) see(op.operands[t], axes.operands[t]);
  for (size_t r = 0; r < op.results.size(); ++r) see(op.results[r], axes.results[r]);
  for (const int axis : left_out) extents.erase(axis);
  return extents;
}

Shuffles draw_shuffles(const std::map<int, int64_t>& extents, RandomSource& random) {
  Shuffles shuffles;
  for (const auto& [axis, size] : extents) {
    Ints order;
    for (int64_t i = 0; i < size; ++i) order.push_back(i);
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    shuffles.emplace(axis, std::move(order));
  }
  return shuffles;
}

TensorData shuffled(const TensorData& data, const std::vector<int>& list,
                    const Shuffles& shuffles) {
  const std::vector<double> before = data.to_doubles();
  std::vector<double> after(before.size());
  const Ints strides = row_major_strides(data.shape());
  for (size_t flat = 0; flat < before.size(); ++flat) {
    int64_t target = 0;
    for (size_t d = 0; d < list.size(); ++d) {
      int64_t index = (static_cast<int64_t>(flat) / strides[d]) % data.shape()[d];
      const auto order = shuffles.find(list[d]);
      if (order != shuffles.end() && data.shape()[d] > 1)
        index = order->second[static_cast<size_t>(index)];
      target += index * strides[d];
    }
    after[static_cast<size_t>(target)] = before[flat];
  }
  return store_doubles({data.dtype(), to_dims(data.shape())}, after);
}

bool are_close(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    if (std::isnan(x) || std::isnan(y)) return std::isnan(x) == std::isnan(y);
    return x == y || std::fabs(x - y) <= 1e-4 * std::max(1.0, std::fabs(x));
  });
}

// Inputs of every kind of type, of shapes that ops take: matrices, images, sequences.
std::vector<ValueId> add_inputs(Graph& graph, RandomSource& random) {
  std::vector<ValueId> inputs;
  if (random.chance(40)) {  // an image and what there is one of for each channel
    for (const Ints& shape : {Ints{2, 4, 5, 3}, Ints{4}})
      inputs.push_back(graph.add_input("x", {DType::kF32, to_dims(shape)}));
    return inputs;
  }
  const std::vector<Ints> shapes = {{4},          {3, 4},       {2, 3, 4},
                                    {2, 4, 5, 3}, {2, 4, 6, 6}, {1, 2, 3, 4, 3}};
  for (const DType dtype : {DType::kF32, DType::kI64, DType::kBool}) {
    for (const Ints& shape : {random.pick(shapes), random.pick(shapes)})
      inputs.push_back(graph.add_input("x", {dtype, to_dims(shape)}));
  }
  for (const Ints& weight : {Ints{5, 4, 3, 3}, Ints{4, 1, 3, 3}, Ints{6, 4}, Ints{4}})
    inputs.push_back(graph.add_input("w", {DType::kF32, to_dims(weight)}));
  std::swap(inputs[random.below(inputs.size())], inputs.back());
  return inputs;
}

class OneOp {
 public:
  OneOp(const Ops& ops, const OpDef& def, RandomSource& random) : graph_(ops.set) {
    Builder builder(graph_);
    op_ = add_random_op(builder, def, add_inputs(graph_, random), random);
    if (!op_.valid()) return;
    for (const ValueId operand : graph_.op(op_).operands) {
      if (!operand.valid()) {
        operands_.emplace_back();
        continue;
      }
      const TensorType& type = graph_.type(operand);
      operands_.push_back(graph_.is_constant(operand)
                              ? graph_.constant(operand)
                              : random_tensor(type.dtype, static_sizes(type.dims),
                                              static_cast<uint64_t>(random.between(0, 1000))));
    }
  }

  bool is_made() const { return op_.valid(); }
  const Op& op() const { return graph_.op(op_); }
  const Graph& graph() const { return graph_; }
  OpAxes axes() const { return op_axes(graph_, op_); }

  std::optional<std::vector<TensorData>> run(const OpAxes& axes, const Shuffles& shuffles) const {
    std::vector<std::optional<TensorData>> given = operands_;
    std::vector<const TensorData*> pointers;
    for (size_t t = 0; t < given.size(); ++t) {
      if (given[t].has_value()) given[t] = shuffled(*given[t], axes.operands[t], shuffles);
      pointers.push_back(given[t].has_value() ? &*given[t] : nullptr);
    }
    Result<std::vector<TensorData>> results = evaluate_op(graph_, op_, pointers);
    if (!results.ok()) return std::nullopt;
    return std::move(*results);
  }

 private:
  Graph graph_;
  OpId op_;
  std::vector<std::optional<TensorData>> operands_;
};

enum class Verdict : uint8_t { kNothingToTry, kHolds, kWrong };

Verdict check_one(const OneOp& one, RandomSource& random) {
  const OpAxes axes = one.axes();
  if (axes.kind != OpAxes::Kind::kTied) return Verdict::kNothingToTry;
  const Shuffles shuffles = draw_shuffles(free_axes(one.graph(), one.op(), axes), random);
  if (shuffles.empty()) return Verdict::kNothingToTry;
  const auto before = one.run(axes, {});
  const auto after = one.run(axes, shuffles);
  if (!before.has_value() || !after.has_value()) return Verdict::kNothingToTry;
  for (size_t r = 0; r < before->size(); ++r) {
    const TensorData expected = shuffled((*before)[r], axes.results[r], shuffles);
    if (!are_close(expected.to_doubles(), (*after)[r].to_doubles())) return Verdict::kWrong;
  }
  return Verdict::kHolds;
}

TEST(OpAxes, PositionsDoNotMatterWhereARuleSaysSo) {
  Ops ops;
  add_all_ops(ops);
  RandomSource random(7);
  std::set<std::string_view> tried;
  for (const OpDef& def : ops.set.all()) {
    if (!def.eval) continue;
    for (int i = 0; i < kTriesPerOp; ++i) {
      const OneOp one(ops, def, random);
      if (!one.is_made()) continue;
      const Verdict verdict = check_one(one, random);
      EXPECT_NE(verdict, Verdict::kWrong) << def.name << "\n" << print_graph(one.graph());
      if (verdict == Verdict::kHolds) tried.insert(def.name);
    }
  }
  for (const std::string_view op :
       {"add", "prelu", "batch_norm", "layer_norm", "conv", "linear", "matmul", "softmax", "cumsum",
        "sum", "argmax", "gather", "concat", "pad", "slice", "max_pool", "where", "topk"}) {
    EXPECT_TRUE(tried.contains(op)) << op;
  }
}

}  // namespace
}  // namespace ferryman
