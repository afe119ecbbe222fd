#include "ops/control/control.h"

#include <gtest/gtest.h>

#include "ir/evaluate.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/families.h"
#include "ops/names.h"

namespace ferryman {
namespace {

class Control : public testing::Test {
 protected:
  Control() { add_all_ops(ops_); }

  Result<Graph> parse(std::string_view text) { return parse_graph(text, ops_.set); }

  std::string problem(std::string_view text) {
    const Result<Graph> graph = parse(text);
    return graph.ok() ? "" : graph.diag().what;
  }

  Ops ops_;
};

// Powers of two up to a bound, in a branch.
constexpr std::string_view kLoopInABranch = R"(graph @main(%c: bool[], %bound: i64[]) {
  const @start: i64[] = [1]
  %y = if(%c, %bound, @start) {then=graph @then(%bound: i64[], %x: i64[]) {
    %z = while(%x, %bound) {condition=graph @condition(%x: i64[], %bound: i64[]) {
      %below = lt(%x, %bound): bool[]
      return below=%below
    }, body=graph @body(%x: i64[], %bound: i64[]) {
      %twice = add(%x, %x): i64[]
      return x=%twice
    }}: i64[]
    return y=%z
  }, else=graph @else(%bound: i64[], %x: i64[]) {
    return y=%x
  }}: i64[]
  return y=%y
}
)";

TEST_F(Control, TextComesBackAsItWas) {
  const Result<Graph> graph = parse(kLoopInABranch);
  ASSERT_TRUE(graph.ok()) << render(graph.diag());
  EXPECT_EQ(print_graph(*graph), kLoopInABranch);
  EXPECT_EQ(print_graph(graph->clone()), kLoopInABranch);
  EXPECT_FALSE(verify_graph(*graph).has_errors());
}

TEST_F(Control, OneBranchIsTakenAndALoopRunsUntilItsConditionFails) {
  const Result<Graph> graph = parse(kLoopInABranch);
  ASSERT_TRUE(graph.ok());
  const auto result = [&](uint8_t condition, int64_t bound) {
    const std::vector<TensorData> inputs = {
        TensorData::copy_of(std::as_bytes(std::span(&condition, 1)), DType::kBool, {}),
        TensorData::of<int64_t>({}, {bound})};
    return evaluate_graph(*graph, inputs)->front().to_ints()[0];
  };
  EXPECT_EQ(result(1, 100), 128);
  EXPECT_EQ(result(1, 0), 1);
  EXPECT_EQ(result(0, 100), 1);
}

TEST_F(Control, AScanStacksEntriesByPosition) {
  for (const bool reverse : {false, true}) {
    const Result<Graph> graph =
        parse(std::string(R"(graph @main(%h: i64[], %xs: i64[3]) {
  %last, %ys = scan(%h, %xs) {body=graph @step(%h: i64[], %x: i64[]) {
    %next = add(%h, %x): i64[]
    return h=%next, y=%h
  }, carried=1, sequences=1, reverse=)") +
              (reverse ? "true" : "false") + "}: i64[], i64[3]\n  return last=%last, ys=%ys\n}");
    ASSERT_TRUE(graph.ok()) << render(graph.diag());
    const std::vector<TensorData> inputs = {TensorData::of<int64_t>({}, {10}),
                                            TensorData::of<int64_t>({3}, {1, 2, 4})};
    const Result<std::vector<TensorData>> results = evaluate_graph(*graph, inputs);
    ASSERT_TRUE(results.ok()) << render(results.diag());
    EXPECT_EQ((*results)[0].to_ints(), Ints{17});
    EXPECT_EQ((*results)[1].to_ints(), reverse ? (Ints{16, 14, 10}) : (Ints{10, 11, 13}));
  }
}

TEST_F(Control, BodiesThatDoNotFitAreRefused) {
  const auto with_else = [](std::string_view text) {
    return std::string(
               "graph @main(%c: bool[], %x: f32[2]) {\n"
               "  %y = if(%c, %x) {then=graph @then(%x: f32[2]) { return y=%x },\n"
               "    else=graph @else") +
           std::string(text) + "}: f32[2]\n  return y=%y\n}";
  };
  EXPECT_EQ(problem(with_else("(%x: f32[2]) { return y=%x }")), "");
  EXPECT_NE(
      problem(with_else("(%x: f32[3]) { return y=%x }"))
          .find("the inputs of a branch: number 0 is float32[3] where float32[2] is expected"),
      std::string::npos);
  EXPECT_NE(problem(with_else("(%x: f32[2]) { %n = isnan(%x): bool[2] return y=%n }"))
                .find("the results of the branches: number 0 is bool[2]"),
            std::string::npos);
  EXPECT_NE(problem(with_else("(%x: f32[2]) { return y=%other }")).find("'other' is not defined"),
            std::string::npos);
}

TEST_F(Control, LinksTellWhatIsWhat) {
  const Result<Graph> graph = parse(kLoopInABranch);
  ASSERT_TRUE(graph.ok());
  const std::vector<BodyLinks> branches = body_links(*graph, graph->first_op());
  ASSERT_EQ(branches.size(), 2U);
  EXPECT_EQ(branches[0].inputs[1].index, 2U);  // after the condition
  const Graph& then_body = graph->body(branches[0].body);
  const std::vector<BodyLinks> loop = body_links(then_body, then_body.first_op());
  EXPECT_EQ(loop[0].outputs[0].index, BodyPort::kNowhere);
  EXPECT_EQ(num_carried(then_body, then_body.first_op()), 1U);
}

}  // namespace
}  // namespace ferryman
