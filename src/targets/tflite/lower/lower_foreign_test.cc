// Operators that a program names itself, in graphs with convolutions around them.
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/parse.h"
#include "layout/plan.h"
#include "ops/families.h"
#include "targets/tflite/format/write.h"
#include "targets/tflite/lower/contract.h"
#include "targets/tflite/lower/limits.h"
#include "targets/tflite/lower/lower.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {
namespace {

class LowerForeign : public testing::Test {
 protected:
  LowerForeign() { add_all_ops(ops_); }

  Graph parse(std::string_view text) {
    Result<Graph> graph = parse_graph(text, ops_.set);
    EXPECT_TRUE(graph.ok()) << render(graph.diag());
    return *std::move(graph);
  }
  static Lowered lowered(const Graph& graph) {
    const layout::LayoutPlan plan = layout::plan_layout(graph, TfliteContract(), {});
    return lower_to_tflite(graph, plan);
  }
  static std::vector<std::string> operators(const Lowered& lowered) {
    std::vector<std::string> names;
    for (const Operator& op : lowered.model.subgraphs[0].operators)
      names.emplace_back(to_string(op.op));
    return names;
  }
  // What is said of the first op.
  std::string limit(std::string_view text) {
    const Graph graph = parse(text);
    const std::optional<Limit> limit = foreign_limit(graph, graph.op(graph.first_op()));
    return limit.has_value() ? limit->what : "";
  }

  Ops ops_;
};

// What is between two convolutions.
std::string between_convolutions(std::string_view code, std::string_view more) {
  return R"(graph @main(%x: f32[1, 3, 6, 6]) {
  const @v: f32[4, 3, 1, 1] = splat 0.5
  const @w: f32[2, 4, 1, 1] = splat 0.25
  const @c: f32[4] = splat 1.0
  const @d: f32[2] = splat 1.0
  %a = conv(%x, @v, @c) {stride=[1, 1], padding_before=[0, 0], padding_after=[0, 0], dilation=[1, 1], groups=1}: f32[1, 4, 6, 6]
  %b = foreign(%a, %a) {code=")" +
         std::string(code) + "\"" + std::string(more) +
         R"(, results=[f32[1, 4, 6, 6]]}: f32[1, 4, 6, 6]
  %y = conv(%b, @w, @d) {stride=[1, 1], padding_before=[0, 0], padding_after=[0, 0], dilation=[1, 1], groups=1}: f32[1, 2, 6, 6]
  return y=%y
})";
}

constexpr std::string_view kAdd = R"({\"op\": \"tfl_add\", \"arguments\": {}})";

TEST_F(LowerForeign, ElementByElementItLiesAsTheConvolutionsDo) {
  const Graph graph = parse(between_convolutions(kAdd, ", elementwise=true"));
  EXPECT_EQ(operators(lowered(graph)),
            (std::vector<std::string>{"TRANSPOSE", "CONV_2D", "ADD", "CONV_2D", "TRANSPOSE"}));
}

TEST_F(LowerForeign, OtherwiseItSeesPyTorchsOrder) {
  const Graph graph = parse(between_convolutions(kAdd, ""));
  const Lowered made = lowered(graph);
  EXPECT_EQ(operators(made), (std::vector<std::string>{"TRANSPOSE", "CONV_2D", "TRANSPOSE", "ADD",
                                                       "TRANSPOSE", "CONV_2D", "TRANSPOSE"}));
  const Subgraph& main = made.model.subgraphs[0];
  EXPECT_EQ(main.tensor(main.operators[3].outputs[0]).shape, (std::vector<int32_t>{1, 4, 6, 6}));
  EXPECT_FALSE(verify_model(made.model).has_errors());
}

TEST_F(LowerForeign, OptionsConstantsAndSeveralResults) {
  const Graph graph = parse(R"(graph @main(%x: f32[4, 6]) {
  %a, %b = foreign(_, %x) {code="{\"op\": \"tfl_split\", \"arguments\": {\"num_splits\": 2, \"constants\": \"{\\\"0\\\": 1}\"}}", results=[f32[4, 3], f32[4, 3]]}: f32[4, 3], f32[4, 3]
  %c = foreign(%a, %b) {code="{\"op\": \"tfl_pack\", \"arguments\": {\"axis\": 1}}", results=[f32[4, 2, 3]]}: f32[4, 2, 3]
  return c=%c
})");
  const Lowered made = lowered(graph);
  EXPECT_EQ(operators(made), (std::vector<std::string>{"SPLIT", "PACK"}));
  const Subgraph& main = made.model.subgraphs[0];
  EXPECT_EQ(main.operators[0].options.get_if<SplitOptions>()->num_splits, 2);
  EXPECT_EQ(main.operators[1].options.get_if<PackOptions>()->values_count, 2);
  EXPECT_FALSE(verify_model(made.model).has_errors());
}

TEST_F(LowerForeign, WhatDoesNotFitIsToldByName) {
  const auto of = [](std::string_view code, std::string_view result) {
    return "graph @main(%x: f32[2, 3], %i: i32[2, 3]) {\n  %a = foreign(%x, %i) {code=\"" +
           std::string(code) + "\", results=[" + std::string(result) +
           "]}: " + std::string(result) + "\n  return a=%a\n}";
  };
  EXPECT_EQ(limit(of(kAdd, "f32[2, 3]")), "ADD needs inputs of one type");
  EXPECT_EQ(limit(of(R"({\"op\": \"tfl_no\", \"arguments\": {}})", "f32[2, 3]")),
            "there is no operator 'NO' that can be named");
  EXPECT_EQ(limit(of(R"({\"op\": \"tfl_if\", \"arguments\": {}})", "f32[2, 3]")),
            "there is no operator 'IF' that can be named");
  EXPECT_EQ(limit(of(R"({\"op\": \"tfl_add\", \"arguments\": {\"a\": 1}})", "f32[2, 3]")),
            "there is no option 'a'");
  EXPECT_EQ(limit(of(R"({\"op\": \"tfl_abs\", \"arguments\": {}})", "f32[2, 3]")),
            "ABS takes 1 operands, and is given 2");
  EXPECT_EQ(limit(of(R"({\"op\": \"tfl_prelu\", \"arguments\": {}})", "f32[3, 2]")),
            "PRELU gives a result 0 of another type or shape than the program records");
  EXPECT_EQ(limit(of(R"({\"target\": \"another\"})", "f32[2, 3]")),
            "'{\"target\": \"another\"}' has no TFLite form");
}

TEST_F(LowerForeign, CustomOperatorsAreTakenAsDeclared) {
  const Graph graph = parse(R"(graph @main(%x: f32[2, 3]) {
  %a = foreign(%x) {code="{\"op\": \"tfl_custom\", \"arguments\": {\"name\": \"Mine\", \"options\": \"01ff\"}}", results=[i32[7]]}: i32[7]
  return a=%a
})");
  const Lowered made = lowered(graph);
  const Operator& op = made.model.subgraphs[0].operators[0];
  EXPECT_EQ(op.op, Op::kCustom);
  const CustomOptions& options = *op.options.get_if<CustomOptions>();
  EXPECT_EQ(options.name, "Mine");
  EXPECT_EQ(options.bytes, (std::vector<std::byte>{std::byte{1}, std::byte{255}}));
  EXPECT_FALSE(verify_model(made.model).has_errors());
}

}  // namespace
}  // namespace ferryman::tflite
