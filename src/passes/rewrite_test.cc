#include "passes/rewrite.h"

#include <gtest/gtest.h>

#include "ops/families.h"
#include "ops/names.h"

namespace ferryman {
namespace {

struct Nested {
  ValueId outer, inner;
};

// relu(relu(x)) -> relu(x), unless the inner one is an output.
Match<Nested> match_relu_of_relu(const Graph& graph, OpId root) {
  const ValueId inner = graph.op(root).operands[0];
  if (!graph.producer_if(inner, ops::kRelu).valid()) return std::nullopt;
  if (graph.is_output(inner)) return Refused{"the inner relu is an output"};
  return Nested{graph.op(root).result(), inner};
}
void drop_outer(Rewriter& rewriter, const Nested& found) {
  rewriter.replace_value(found.outer, found.inner);
}
Rule relu_of_relu() {
  return make_rule("relu_of_relu", {ops::kRelu}, match_relu_of_relu, drop_outer, "relu dropped");
}

class Rewrite : public ::testing::Test {
 protected:
  Rewrite() : graph_(ops_with_relu()) {}
  const OpSet& ops_with_relu() {
    add_activation_ops(ops_);
    return ops_.set;
  }
  ValueId relus(int count) {
    Builder builder(graph_);
    ValueId x = graph_.add_input("x", {DType::kF32, {2}});
    for (int i = 0; i < count; ++i) x = builder.create(ops::kRelu, {x});
    return x;
  }
  Changed run(const Rule& rule) {
    PassContext context{diagnostics_};
    return apply_rules(graph_, {&rule, 1}, context);
  }

  Ops ops_;
  Graph graph_;
  Diagnostics diagnostics_;
};

TEST_F(Rewrite, RequeuesUntilNothingMatches) {
  graph_.add_output("y", relus(5));
  EXPECT_EQ(run(relu_of_relu()), Changed::kYes);
  EXPECT_EQ(graph_.num_ops(), 1u);
  EXPECT_EQ(run(relu_of_relu()), Changed::kNo);
}

TEST_F(Rewrite, SaysWhyAPatternStays) {
  const ValueId inner = relus(1);
  graph_.add_output("inner", inner);
  graph_.add_output("outer", Builder(graph_).create(ops::kRelu, {inner}));
  EXPECT_EQ(run(relu_of_relu()), Changed::kNo);
  ASSERT_EQ(diagnostics_.all().size(), 1u);
  EXPECT_EQ(diagnostics_.all()[0].subject, "relu_of_relu");
  EXPECT_EQ(diagnostics_.all()[0].what, "not applied: the inner relu is an output");
}

TEST_F(Rewrite, EndsRulesThatRunInCircles) {
  const Rule circle = make_rule<Nested>(
      "relu_again", {ops::kRelu},
      [](const Graph& graph, OpId root) -> Match<Nested> {
        return Nested{graph.op(root).result(), graph.op(root).operands[0]};
      },
      [](Rewriter& rewriter, const Nested& found) {
        rewriter.replace_value(found.outer, rewriter.create(ops::kRelu, {found.inner}));
      });
  graph_.add_output("y", relus(1));
  EXPECT_DEATH(run(circle), "relu_again");
}

Pass rename_pass(std::string_view name, Changed changed) {
  return {name, "does nothing",
          [changed](Graph&, PassContext&) -> Result<Changed> { return changed; }};
}

TEST_F(Rewrite, PassManagerDisablesTimesAndPrints) {
  graph_.add_output("y", relus(3));
  std::vector<Pass> passes;
  passes.push_back(rename_pass("first", Changed::kNo));
  passes.push_back(rewrite_pass("drop_relus", "fewer relus", {relu_of_relu()}));
  passes.push_back(rename_pass("last", Changed::kYes));
  std::vector<std::string> printed;
  PassOptions options;
  options.disabled = {"last"};
  options.print_after = {"*"};
  options.print = [&](std::string_view pass, const Graph&) { printed.emplace_back(pass); };
  options.verify = VerifyEach::kYes;
  const Result<PassReport> report = run_passes(graph_, passes, options, diagnostics_);
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->timings.size(), 2u);
  EXPECT_EQ(report->timings[1].pass, "drop_relus");
  EXPECT_EQ(report->timings[1].changed, Changed::kYes);
  EXPECT_EQ(printed, std::vector<std::string>{"drop_relus"});
}

std::vector<Pass> optional_and_needed() {
  std::vector<Pass> passes;
  passes.push_back(rename_pass("faster", Changed::kNo));
  passes.push_back(needed_because("nothing works without it", rename_pass("right", Changed::kNo)));
  return passes;
}

TEST(PassNames, UnknownOnesAreRefusedWithAllThatThereAre) {
  const std::vector<Pass> passes = optional_and_needed();
  PassOptions options;
  options.disabled = {"fatser"};
  const Status disabled = check_pass_names(passes, options);
  EXPECT_EQ(disabled.diag().what, "disable-pass: there is no pass 'fatser'");
  EXPECT_EQ(disabled.diag().hint_text, "the passes are faster, right");
  options = {};
  options.print_after = {"*", "right", "rihgt"};
  EXPECT_EQ(check_pass_names(passes, options).diag().what, "print-after: there is no pass 'rihgt'");
}

TEST(PassNames, NeededOnesAreRefusedWithTheReason) {
  PassOptions options;
  options.disabled = {"faster", "right"};
  const Status status = check_pass_names(optional_and_needed(), options);
  EXPECT_EQ(status.diag().what, "disable-pass: 'right' cannot be left out");
  EXPECT_EQ(status.diag().why, "nothing works without it");
}

TEST_F(Rewrite, StarLeavesOutAllThatIsOptional) {
  graph_.add_output("y", relus(1));
  PassOptions options;
  options.disabled = {"*"};
  ASSERT_TRUE(check_pass_names(optional_and_needed(), options).ok());
  const Result<PassReport> report =
      run_passes(graph_, optional_and_needed(), options, diagnostics_);
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->timings.size(), 1u);
  EXPECT_EQ(report->timings[0].pass, "right");
}

TEST_F(Rewrite, PassManagerNamesThePassThatBrokeTheGraph) {
  graph_.add_output("y", ValueId(77));
  std::vector<Pass> passes;
  passes.push_back(rename_pass("breaker", Changed::kYes));
  PassOptions options;
  options.verify = VerifyEach::kYes;
  const Result<PassReport> report = run_passes(graph_, passes, options, diagnostics_);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.diag().what,
            "the graph is wrong after pass 'breaker': output 'y' has no producer");
}

}  // namespace
}  // namespace ferryman
