// Every pass keeps what a graph computes: on graphs drawn from the op rows, and on chains of the
// pieces that fusions look for. The seeds are fixed; a failure prints the smallest graph it found.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>

#include "ir/evaluate.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/families.h"
#include "passes/fold/fold.h"
#include "passes/simplify.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_layers.h"
#include "tests/support/random_tensor.h"

namespace ferryman {
namespace {

constexpr uint64_t kInputSeed = 11;
constexpr std::chrono::seconds kTimeBox(4);  // for one test; more seeds than that are not tried
constexpr uint64_t kNumSeeds = 400;

// Rounding decides what these give, so that a sum in another order may give something else.
const std::vector<std::string> kDiscontinuous = {
    "floor",     "ceil",         "round", "trunc",       "sign",         "eq",    "ne",
    "lt",        "le",           "gt",    "ge",          "argmax",       "cast",  "fmod",
    "remainder", "floor_divide", "isnan", "logical_not", "trunc_divide", "argmin"};

// How much of a run says anything.
struct Coverage {
  int graphs = 0;
  int evaluated = 0;
  int changed = 0;
};

bool can_be_evaluated(const Graph& graph) {
  return evaluate_graph(graph, random_inputs(graph, kInputSeed)).ok();
}

// What is wrong after the passes; empty if nothing.
std::string problem_after(const Graph& before, const std::vector<Pass>& passes) {
  Graph after = before.clone();
  Diagnostics remarks;
  PassOptions options;
  options.verify = VerifyEach::kYes;
  const Result<PassReport> report = run_passes(after, passes, options, remarks);
  if (!report.ok()) return render(report.diag());
  const std::string found = difference(before, after, kInputSeed);
  return found.empty() ? found : found + "\nbecame\n" + print_graph(after);
}

bool changes(const Graph& graph, const std::vector<Pass>& passes) {
  Graph after = graph.clone();
  Diagnostics remarks;
  const Result<PassReport> report = run_passes(after, passes, {}, remarks);
  return report.ok() && report->changed == Changed::kYes;
}

// The graph cut down to the first value that the passes change.
std::string shrunken(const Graph& graph, const std::vector<Pass>& passes) {
  for (const OpId id : graph.op_ids()) {
    Graph small = graph.clone();
    small.set_outputs({{"y", graph.op(id).result()}});
    const std::vector<Pass> cleaning = {remove_dead_code()};
    Diagnostics remarks;
    if (!run_passes(small, cleaning, {}, remarks).ok()) continue;
    const std::string problem = problem_after(small, passes);
    if (!problem.empty()) return print_graph(small) + problem;
  }
  return print_graph(graph);
}

class Property : public testing::Test {
 protected:
  Property() { add_all_ops(ops_); }

  template <typename MakeGraph>
  Coverage check_each(const std::vector<Pass>& passes, MakeGraph make_graph) {
    Coverage coverage;
    const auto end = std::chrono::steady_clock::now() + kTimeBox;
    for (uint64_t seed = 0; seed < kNumSeeds && std::chrono::steady_clock::now() < end; ++seed) {
      const Graph graph = make_graph(seed);
      EXPECT_EQ(render(verify_graph(graph), Severity::kError), "") << "seed " << seed;
      const std::string problem = problem_after(graph, passes);
      EXPECT_EQ(problem, "") << "seed " << seed << "\n" << shrunken(graph, passes);
      if (HasFailure()) return coverage;
      ++coverage.graphs;
      coverage.evaluated += can_be_evaluated(graph) ? 1 : 0;
      coverage.changed += changes(graph, passes) ? 1 : 0;
    }
    return coverage;
  }

  Graph drawn(uint64_t seed) {
    return random_graph(ops_.set, seed, {.num_ops = 12, .excluded = kDiscontinuous});
  }
  Graph layered(uint64_t seed) { return random_layers(ops_.set, seed); }

  Ops ops_;
};

TEST_F(Property, TextRoundTripOfRandomGraphs) {
  for (uint64_t seed = 0; seed < kNumSeeds; ++seed) {
    const std::string text = print_graph(random_graph(ops_.set, seed, {.num_ops = 8}));
    const Result<Graph> parsed = parse_graph(text, ops_.set);
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << "\n" << render(parsed.diag()) << "\n" << text;
    ASSERT_EQ(print_graph(*parsed), text) << "seed " << seed;
  }
}

TEST_F(Property, RandomGraphsUseNearlyAllRows) {
  std::map<std::string_view, int> counts;
  for (uint64_t seed = 0; seed < kNumSeeds; ++seed) {
    const Graph graph = random_graph(ops_.set, seed, {.num_ops = 8});
    for (const OpId op : graph.op_ids()) ++counts[graph.op(op).def->name];
  }
  std::string missing;
  for (const OpDef& def : ops_.set.all()) {
    // Those without operands are of free sizes only.
    const bool is_drawn = def.eval != nullptr && !def.operands.empty();
    if (is_drawn && !counts.contains(def.name)) missing += fmt::format(" {}", def.name);
  }
  EXPECT_EQ(missing, "");
}

TEST_F(Property, EachPassKeepsRandomGraphs) {
  for (const Pass& pass : simplify_passes()) {
    SCOPED_TRACE(pass.name);
    check_each({pass}, [&](uint64_t seed) { return drawn(seed); });
  }
}

TEST_F(Property, SimplifyKeepsRandomGraphs) {
  const Coverage coverage =
      check_each(simplify_passes(), [&](uint64_t seed) { return drawn(seed); });
  EXPECT_GT(coverage.evaluated * 10, coverage.graphs * 9);
  EXPECT_GT(coverage.changed * 2, coverage.graphs);
}

TEST_F(Property, EachPassKeepsRandomLayers) {
  for (const Pass& pass : simplify_passes()) {
    SCOPED_TRACE(pass.name);
    check_each({pass}, [&](uint64_t seed) { return layered(seed); });
  }
}

TEST_F(Property, SimplifyKeepsRandomLayers) {
  const Coverage coverage =
      check_each(simplify_passes(), [&](uint64_t seed) { return layered(seed); });
  EXPECT_EQ(coverage.evaluated, coverage.graphs);
  EXPECT_GT(coverage.changed * 5, coverage.graphs * 4);
}

}  // namespace
}  // namespace ferryman
