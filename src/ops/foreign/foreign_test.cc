#include "ops/foreign/foreign.h"

#include <gtest/gtest.h>

#include "frontend/program_for_test.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/families.h"
#include "ops/op_axes.h"

namespace ferryman {
namespace {

class Foreign : public testing::Test {
 protected:
  Foreign() { add_all_ops(ops_); }

  Result<Graph> parse(std::string_view text) { return parse_graph(text, ops_.set); }
  std::string problem(std::string_view text) {
    const Result<Graph> graph = parse(text);
    return graph.ok() ? "" : graph.diag().what;
  }

  Ops ops_;
};

constexpr std::string_view kSeveral = R"(graph @main(%x: f32[n, 3], %w: i64[3]) {
  symbol n in [1, 64] hint 2
  %a, %b = foreign(_, %x, %w) {code="{\"op\": \"any\"}", results=[f32[n, 3], i64[2*n]]}: f32[n, 3], i64[2*n]
  return a=%a, b=%b
}
)";

TEST_F(Foreign, TextComesBackAsItWas) {
  const Result<Graph> graph = parse(kSeveral);
  ASSERT_TRUE(graph.ok()) << render(graph.diag());
  EXPECT_EQ(print_graph(*graph), kSeveral);
  EXPECT_EQ(print_graph(graph->clone()), kSeveral);
  EXPECT_FALSE(verify_graph(*graph).has_errors());
}

std::string elementwise_of(std::string_view operands, std::string_view results) {
  return "graph @main(%x: f32[2, 3], %y: f32[3], %z: f32[2, 2]) {\n  %a = foreign(" +
         std::string(operands) + ") {code=\"\", elementwise=true, results=" + std::string(results) +
         "}: f32[2, 3]\n  return a=%a\n}";
}

TEST_F(Foreign, ElementByElementOperandsBroadcastToTheResults) {
  EXPECT_EQ(problem(elementwise_of("%x, %y", "[f32[2, 3]]")), "");
  EXPECT_NE(problem(elementwise_of("%x, %z", "[f32[2, 3]]")).find("operand 1 of [2, 2]"),
            std::string::npos);
  EXPECT_NE(problem(elementwise_of("%x, _", "[f32[2, 3]]")).find("an absent operand"),
            std::string::npos);
  EXPECT_NE(problem(elementwise_of("%x", "[f32[2, 3], f32[2]]")).find("results of [2, 3] and [2]"),
            std::string::npos);
  EXPECT_NE(problem(elementwise_of("%x", "[]")).find("code without a result"), std::string::npos);
}

TEST_F(Foreign, AxesAreTiedOnlyElementByElement) {
  const Result<Graph> tied = parse(elementwise_of("%x, %y", "[f32[2, 3]]"));
  const OpAxes axes = op_axes(*tied, tied->first_op());
  EXPECT_EQ(axes.kind, OpAxes::Kind::kTied);
  EXPECT_EQ(axes.operands[1], AxisList({1}));
  const Result<Graph> several = parse(kSeveral);
  EXPECT_EQ(op_axes(*several, several->first_op()).kind, OpAxes::Kind::kOpaque);
}

}  // namespace

namespace frontend {
namespace {

TEST(ImportForeign, TensorsAreOperandsAndAllElseIsTheCode) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2, 3});
  const ValueIndex y = builder.input("y", {3});
  builder.output(builder.node("ferryman.any_add.default",
                              {{"x0", {None()}},
                               tensor("x1", x),
                               {"x2", {ArgumentList{{ValueRef{y}}, {ValueRef{y}}}}},
                               {"x3", {None()}},
                               {"beta", {2.0}},
                               {"words", {ArgumentList{{std::string("a\"b")}, {int64_t{1}}}}},
                               {"elementwise", {false}}},
                              {2, 3}));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[2, 3], %y: f32[3]) {
  %n0 = foreign(_, %x, %y, %y) {code="{\"op\": \"any_add\", \"arguments\": {\"x3\": null, \"beta\": 2.0, \"words\": [\"a\\\"b\", 1]}}", results=[f32[2, 3]]}: f32[2, 3]
  return output=%n0
}
)");
}

}  // namespace
}  // namespace frontend
}  // namespace ferryman
