// What an op is decomposed into has its values: each op that can be, alone, on random operands of
// one to five axes.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "ir/evaluate.h"
#include "ir/print.h"
#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/names.h"
#include "passes/decompose/decompose.h"
#include "passes/decompose/decompositions.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_tensor.h"

namespace ferryman {
namespace {

constexpr uint64_t kNumSeeds = 60;
constexpr uint64_t kInputSeed = 5;

bool keeps_nothing(const Graph&, const Op&) {
  return false;
}

// One op and what it computes; no outputs if nothing fitted.
Graph graph_of_one(const OpSet& ops, const OpDef& def, uint64_t seed) {
  RandomSource random(seed);
  Graph graph(ops, "one");
  Dims dims;
  const int64_t rank = random.between(1, 5);
  for (int64_t i = 0; i < rank; ++i) dims.push_back(Dim(random.between(1, 6)));
  std::vector<ValueId> values;
  for (const char* name : {"x", "y", "z"})
    values.push_back(graph.add_input(name, {DType::kF32, dims}));
  Builder builder(graph);
  const OpId op = add_random_op(builder, def, values, random);
  if (!op.valid()) return graph;
  const std::vector<ValueId> results = graph.op(op).results;
  for (size_t i = 0; i < results.size(); ++i) graph.add_output("y" + std::to_string(i), results[i]);
  return graph;
}

// Attributes and values that are infinite are nobody's: a window that sees nothing but padding.
bool is_finite(const Graph& graph) {
  for (const OpId op : graph.op_ids()) {
    for (const Attr& attr : graph.op(op).attrs) {
      const auto* number = std::get_if<double>(&attr);
      if (number != nullptr && !std::isfinite(*number)) return false;
    }
  }
  const auto outputs = evaluate_graph(graph, random_inputs(graph, kInputSeed));
  if (!outputs.ok()) return true;
  for (const TensorData& output : *outputs) {
    for (const double value : output.to_doubles()) {
      if (std::isinf(value)) return false;
    }
  }
  return true;
}

// Empty if the values stay, and the op goes.
std::string problem_of(const Graph& before, bool* is_decomposed) {
  Graph after = before.clone();
  const std::vector<Pass> passes = {
      decompose_pass("decompose", "everything that can be", keeps_nothing, {})};
  PassOptions options;
  options.verify = VerifyEach::kYes;
  Diagnostics remarks;
  const Result<PassReport> report = run_passes(after, passes, options, remarks);
  if (!report.ok()) return render(report.diag());
  *is_decomposed |= report->changed == Changed::kYes;
  const std::string found = difference(before, after, kInputSeed);
  return found.empty() ? found : print_graph(before) + found + "\nbecame\n" + print_graph(after);
}

TEST(Decompose, EveryDecompositionHasTheValuesOfItsOp) {
  Ops ops;
  add_all_ops(ops);
  std::set<std::string_view> roots;
  for (const Rule& rule : all_decompositions()) {
    for (const OpName root : rule.roots) roots.insert(root.text);
  }
  for (const std::string_view root : roots) {
    bool is_decomposed = false;
    for (uint64_t seed = 0; seed < kNumSeeds; ++seed) {
      const Graph graph = graph_of_one(ops.set, *ops.set.find(root), seed);
      if (graph.outputs().empty() || !is_finite(graph)) continue;
      const std::string problem = problem_of(graph, &is_decomposed);
      EXPECT_EQ(problem, "") << root << ", seed " << seed;
      if (!problem.empty()) break;
    }
    // Random operands seldom make a convolution of three axes or with a computed kernel, which
    // tests of the target have.
    EXPECT_TRUE(is_decomposed || root == ops::kConv.text) << root;
  }
}

struct AttentionCase {
  int64_t key_heads = 4;
  std::optional<TensorData> mask = {};
  bool is_causal = false;
};

// Four heads of three queries and six keys; also that the graph can be evaluated, for its values.
void expect_attention_decomposes(const AttentionCase& attention) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  const auto input = [&](const char* name, Ints shape) {
    return graph.add_input(name, {DType::kF32, to_dims(shape)});
  };
  std::vector<ValueId> operands = {input("query", {2, 4, 3, 5}),
                                   input("key", {2, attention.key_heads, 6, 5}),
                                   input("value", {2, attention.key_heads, 6, 7}), ValueId()};
  if (attention.mask.has_value()) operands[3] = builder.constant(*attention.mask);
  graph.add_output(
      "y", builder.create(ops::kAttention, operands,
                          std::vector<NamedAttr>{{attr::kScale, 0.3},
                                                 {attr::kIsCausal, attention.is_causal},
                                                 {attr::kGroupedHeads, attention.key_heads != 4}}));
  ASSERT_TRUE(evaluate_graph(graph, random_inputs(graph, kInputSeed)).ok());
  bool is_decomposed = false;
  EXPECT_EQ(problem_of(graph, &is_decomposed), "");
  EXPECT_TRUE(is_decomposed);
}

TEST(Decompose, AttentionWithEveryMaskAndGroupedHeads) {
  const TensorData seen = store_ints({DType::kBool, to_dims({3, 6})},
                                     {1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1});
  constexpr float kUnseen = -std::numeric_limits<float>::infinity();
  const TensorData added = TensorData::of<float>(
      {2, 1, 1, 6},
      {0, 1, -1, kUnseen, 2, 0, kUnseen, kUnseen, kUnseen, kUnseen, kUnseen, kUnseen});
  for (const int64_t key_heads : {4, 2, 1}) {
    expect_attention_decomposes({.key_heads = key_heads});
    expect_attention_decomposes({.key_heads = key_heads, .mask = seen});
    expect_attention_decomposes({.key_heads = key_heads, .mask = added});
    expect_attention_decomposes({.key_heads = key_heads, .is_causal = true});
  }
}

}  // namespace
}  // namespace ferryman
