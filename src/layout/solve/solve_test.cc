#include "layout/solve/solve.h"

#include <gtest/gtest.h>

#include <array>

#include "layout/agree.h"
#include "layout/solve/cut.h"
#include "tests/support/brute_force.h"
#include "tests/support/random_problem.h"

namespace ferryman::layout {

namespace {

constexpr int kInstances = 400;
constexpr std::span<const EliminationLimits> kNoElimination;
constexpr std::array<EliminationLimits, 1> kSmallSets = {{{.max_sets = 3}}};

void expect_optimal(const RandomShape& shape, uint64_t first_seed) {
  for (uint64_t seed = first_seed; seed < first_seed + kInstances; ++seed) {
    const Problem problem = random_problem(seed, shape);
    const Solution solution = solve(problem);
    const Cost best = evaluate(problem, brute_force(problem));
    ASSERT_EQ(solution.cost, best) << "seed " << seed << "\n" << describe(problem);
    ASSERT_EQ(solution.cost, evaluate(problem, solution.modes)) << "seed " << seed;
    ASSERT_TRUE(solution.proven && solution.lower_bound == best.bytes) << "seed " << seed;
  }
}

// Without exact elimination: never below the optimum, a bound that holds, and a proof that is true.
int count_not_optimal(const RandomShape& shape, uint64_t first_seed,
                      std::span<const EliminationLimits> levels = kNoElimination) {
  int not_optimal = 0;
  for (uint64_t seed = first_seed; seed < first_seed + kInstances; ++seed) {
    const Problem problem = random_problem(seed, shape);
    const Solution solution = solve(problem, levels);
    const Cost best = evaluate(problem, brute_force(problem));
    EXPECT_EQ(solution.cost, evaluate(problem, solution.modes)) << "seed " << seed;
    EXPECT_LE(solution.lower_bound, best.bytes) << "seed " << seed << "\n" << describe(problem);
    EXPECT_GE(solution.cost, best) << "seed " << seed;
    if (solution.proven) {
      EXPECT_EQ(solution.cost.bytes, best.bytes) << "seed " << seed << "\n" << describe(problem);
    }
    not_optimal += solution.cost.bytes != best.bytes ? 1 : 0;
  }
  return not_optimal;
}

TEST(Solve, EqualsBruteForceWithTwoLabels) {
  expect_optimal({.num_ops = 10}, 1000);
}

TEST(Solve, EqualsBruteForceWithThreeLabels) {
  expect_optimal({.num_ops = 9, .num_labels = 3, .percent_anchored = 40}, 20000);
}

TEST(Solve, EqualsBruteForceWithFourLabelsAndFewAnchors) {
  expect_optimal({.num_ops = 7, .num_labels = 4, .percent_anchored = 20}, 30000);
}

TEST(Solve, EqualsBruteForceWhenOpsPermuteLabels) {
  expect_optimal({.num_ops = 9, .num_labels = 3, .percent_permuting = 50}, 40000);
}

TEST(Solve, EqualsBruteForceWhenOperandsChooseOnTheirOwn) {
  expect_optimal({.num_ops = 9, .num_labels = 3, .percent_independent = 50}, 50000);
}

TEST(Solve, EqualsBruteForceOnAllToAllConcats) {
  expect_optimal({.num_ops = 10, .percent_anchored = 30, .percent_all_to_all = 50}, 60000);
}

// Values exist under one or two labels as a state of their own, and under more as one state for
// all: the bound holds, and is met wherever nothing needs more than two.
TEST(Solve, SmallSetsOfLabelsGiveABound) {
  EXPECT_LE(count_not_optimal({.num_ops = 7, .num_labels = 5, .percent_anchored = 30}, 120000,
                              kSmallSets),
            2);
  EXPECT_LE(count_not_optimal({.num_ops = 9, .num_labels = 3, .percent_independent = 50}, 130000,
                              kSmallSets),
            60);
}

// What is dearer than the best plan is never copied, so agreeing on it loses nothing.
TEST(Solve, AgreeingOnDearValuesKeepsTheBestPlan) {
  const RandomShape shape{
      .num_ops = 9, .num_labels = 3, .percent_anchored = 30, .percent_permuting = 30};
  size_t merged = 0;
  for (uint64_t seed = 140000; seed < 140000 + kInstances; ++seed) {
    const Problem problem = random_problem(seed, shape);
    const Cost best = evaluate(problem, brute_force(problem));
    const AgreedProblem agreed = agree(problem, best.bytes);
    const Assignment modes = agreed.modes_of(solve(agreed.problem).modes);
    ASSERT_EQ(evaluate(problem, modes).bytes, best.bytes) << "seed " << seed << "\n"
                                                          << describe(problem);
    merged += problem.ops.size() - agreed.problem.ops.size();
  }
  EXPECT_GT(merged, 100u);
}

TEST(Cut, IsExactAndProvenWithTwoLabels) {
  const RandomShape shape{.num_ops = 11, .percent_anchored = 40, .percent_all_to_all = 30};
  for (uint64_t seed = 70000; seed < 70000 + kInstances; ++seed) {
    const Problem problem = random_problem(seed, shape);
    const Solution solution = solve(problem, kNoElimination);
    ASSERT_EQ(solution.cost, evaluate(problem, brute_force(problem))) << "seed " << seed << "\n"
                                                                      << describe(problem);
    ASSERT_TRUE(solution.proven) << "seed " << seed << "\n" << describe(problem);
  }
}

// Alpha-expansion is an approximation; the limits are what was measured, in 400 instances each.
TEST(Cut, ExpansionIsNearlyAlwaysOptimalWithThreeLabels) {
  EXPECT_LE(count_not_optimal({.num_ops = 9, .num_labels = 3, .percent_anchored = 40}, 80000), 2);
}

TEST(Cut, ExpansionIsNearlyAlwaysOptimalWithFourLabels) {
  EXPECT_LE(count_not_optimal({.num_ops = 7, .num_labels = 4, .percent_anchored = 30}, 90000), 2);
}

// Labels cannot be carried through whole components here, so expansion steps are small.
TEST(Cut, ExpansionHoldsItsBoundWhenOpsPermuteLabels) {
  const RandomShape shape{.num_ops = 9, .num_labels = 3, .percent_permuting = 40};
  EXPECT_LE(count_not_optimal(shape, 100000), 125);
}

TEST(Cut, ExpansionHoldsItsBoundWhenOperandsChooseOnTheirOwn) {
  const RandomShape shape{.num_ops = 9, .num_labels = 3, .percent_independent = 40};
  EXPECT_LE(count_not_optimal(shape, 110000), 110);
}

// Three readers in two layouts share one copy: the price is one copy, not two.
TEST(Solve, ThreeUsersInTwoLayoutsPayOneCopy) {
  Problem problem;
  const int x = problem.add_value({.num_labels = 2, .copy_cost = 10});
  const int producer = problem.add_op({x});
  problem.add_mode(producer, {0}, 0);
  for (int i = 0; i < 3; ++i) problem.add_mode(problem.add_op({x}), {i == 0 ? 0 : 1}, 0);
  EXPECT_EQ(solve(problem).cost, (Cost{.bytes = 10, .copies = 1, .not_logical = 2}));
}

TEST(Solve, FewerCopiesThenLogicalOrderBreakTies) {
  Problem problem;  // a released producer and reader: every label is free, the logical one wins
  const int x = problem.add_value({.num_labels = 3, .copy_cost = 4});
  for (int i = 0; i < 2; ++i) {
    const int op = problem.add_op({x});
    for (const int label : {2, 1, 0}) problem.add_mode(op, {label}, 0);
  }
  EXPECT_EQ(solve(problem).modes, (Assignment{2, 2}));
  EXPECT_EQ(solve(problem, kNoElimination).modes, (Assignment{2, 2}));
}

TEST(Solve, AnOpMayUseOneValueUnderTwoLabels) {
  Problem problem;
  const int x = problem.add_value({.num_labels = 2, .copy_cost = 6});
  const int op = problem.add_op({x, x});
  problem.add_mode(op, {0, 1}, 0);
  problem.add_mode(op, {1, 0}, 0);
  EXPECT_EQ(solve(problem).cost, (Cost{.bytes = 6, .copies = 1, .not_logical = 1}));
  EXPECT_EQ(solve(problem, kNoElimination).cost.bytes, 6);
}

TEST(Solve, EmptyProblemIsProven) {
  const Solution solution = solve(Problem{});
  EXPECT_TRUE(solution.proven);
  EXPECT_EQ(solution.cost, Cost{});
}

}  // namespace
}  // namespace ferryman::layout
