// What an op is decomposed into has its values: each op that can be, alone, on random operands of
// one to five axes.
#include <gtest/gtest.h>

#include <set>

#include "ir/evaluate.h"
#include "ir/print.h"
#include "ops/families.h"
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
      if (graph.outputs().empty()) continue;
      const std::string problem = problem_of(graph, &is_decomposed);
      EXPECT_EQ(problem, "") << root << ", seed " << seed;
      if (!problem.empty()) break;
    }
    EXPECT_TRUE(is_decomposed) << root;
  }
}

}  // namespace
}  // namespace ferryman
