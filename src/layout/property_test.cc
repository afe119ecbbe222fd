// Random graphs against exhaustive search: no order that the planner does not consider would help,
// and a plan that is carried out copies exactly what it says.
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "ir/print.h"
#include "layout/labels.h"
#include "layout/modes.h"
#include "layout/solve/solve.h"
#include "tests/support/brute_force.h"
#include "tests/support/check_plan.h"
#include "tests/support/random_net.h"
#include "tests/support/test_contract.h"

namespace ferryman::layout {
namespace {

constexpr uint64_t kNumNets = 300;
constexpr size_t kAllModes = 100'000;
constexpr std::array<EliminationLimits, 1> kSmallTables = {{{.max_table_cells = size_t{1} << 14}}};

// Every permutation of the factors is a candidate. False if there are too many.
bool allow_all_orders(Model& model) {
  for (Memory& memory : model.memories) {
    if (memory.constant) continue;
    if (memory.num_factors > 4) return false;
    std::vector<uint8_t> factors(memory.num_factors);
    std::iota(factors.begin(), factors.end(), uint8_t{0});
    do {
      Order order;
      for (const uint8_t factor : factors) order.push_back(factor);
      memory.available |= LabelMask{1} << add_label(memory, order);
    } while (std::next_permutation(factors.begin(), factors.end()));
  }
  return true;
}

TEST(LayoutProperty, NoOrderOutsideTheCandidatesHelps) {
  uint64_t compared = 0;
  for (uint64_t seed = 0; seed < kNumNets; ++seed) {
    TestNet net = random_net(seed, 6);
    const ChannelsLastContract contract;
    BodyPlanner bodies(contract);
    Model model = build_model(net.graph(), contract, {}, bodies);
    if (!allow_all_orders(model)) continue;
    list_modes(model, kAllModes);
    const Solution all = solve(make_problem(model), kSmallTables);
    if (!all.proven) continue;
    ++compared;
    const LayoutPlan plan = net.plan();
    ASSERT_EQ(plan.bytes_moved, all.cost.bytes) << "seed " << seed << "\n"
                                                << net.copies(plan) << print_graph(net.graph());
    ASSERT_TRUE(plan.proven) << "seed " << seed;
  }
  EXPECT_GT(compared, kNumNets / 2);
}

TEST(LayoutProperty, PlansCopyWhatTheySay) {
  for (uint64_t seed = 0; seed < kNumNets; ++seed) {
    TestNet net = random_net(seed, 8);
    ASSERT_EQ(check_plan(net.graph(), net.plan()), "") << "seed " << seed << "\n"
                                                       << print_graph(net.graph());
  }
}

TEST(LayoutProperty, TheChosenModesEqualBruteForce) {
  uint64_t compared = 0;
  for (uint64_t seed = 0; seed < kNumNets; ++seed) {
    TestNet net = random_net(seed, 8);
    const ChannelsLastContract contract;
    BodyPlanner bodies(contract);
    Model model = build_model(net.graph(), contract, {}, bodies);
    find_labels(model);
    list_modes(model, kMaxModes);
    const Problem problem = make_problem(model);
    double combinations = 1;
    for (const ProblemOp& op : problem.ops) combinations *= op.num_modes();
    if (combinations > 50'000) continue;
    ++compared;
    const Cost solved = solve(problem).cost;
    const Cost best = evaluate(problem, brute_force(problem));
    // Expansion, where there are too many labels for elimination, only estimates awkwardness.
    ASSERT_EQ(solved.bytes, best.bytes) << "seed " << seed << "\n" << print_graph(net.graph());
    ASSERT_EQ(solved.copies, best.copies) << "seed " << seed << "\n" << print_graph(net.graph());
  }
  EXPECT_GT(compared, kNumNets / 2);
}

}  // namespace
}  // namespace ferryman::layout
