#include "ir/parse.h"

#include <gtest/gtest.h>

#include "ir/print.h"
#include "ir/verify.h"
#include "ops/families.h"

namespace ferryman {
namespace {

class IrText : public testing::Test {
 protected:
  IrText() { add_all_ops(ops_); }
  std::string error(std::string_view text) {
    Result<Graph> graph = parse_graph(text, ops_.set);
    return graph.ok() ? "parsed" : graph.diag().what;
  }
  Ops ops_;
};

constexpr std::string_view kGraph =
    "graph @main(%x: f32[s0, 3]) {\n"
    "  symbol s0 in [1, 64]\n"
    "  const @b: f32[3] = [0.5, -1.0, inf]\n"
    "  const @\"odd name\": f32[3, 4] = splat 0.25\n"
    "  const @w: i64[16, 16] = hash 0x00000000000000ff\n"
    "  state @count: i64[] = [7]\n"
    "  %named = relu(%x): f32[s0, 3] loc(\"block.act\", \"Relu\", \"relu_1\", \"a \\\"b\\\".py\", "
    "12)\n"
    "  %0 = leaky_relu(%named) {negative_slope=0.2}: f32[s0, 3]\n"
    "  update @count = @count\n"
    "  return out=%0, b=@b, c=@\"odd name\", d=@w\n"
    "}\n";

TEST_F(IrText, PrintsWhatItParsed) {
  Result<Graph> graph = parse_graph(kGraph, ops_.set);
  ASSERT_TRUE(graph.ok()) << render(graph.diag());
  EXPECT_EQ(print_graph(*graph, PrintLocations::kYes), kGraph);
  EXPECT_EQ(render(verify_graph(*graph), Severity::kError), "");
}

TEST_F(IrText, CloneIsTheSameGraph) {
  Result<Graph> graph = parse_graph(kGraph, ops_.set);
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(print_graph(graph->clone(), PrintLocations::kYes), kGraph);
}

TEST_F(IrText, SymbolicSizesKeepTheirExpressions) {
  SymbolTable symbols;
  const std::string text = "3*((s0 + 1) // 2)";
  Result<Dim> dim = symbols.parse(text);
  ASSERT_TRUE(dim.ok());
  EXPECT_EQ(symbols.print(*dim), text);
  EXPECT_EQ(*symbols.parse(text), *dim);
}

TEST_F(IrText, ErrorsNameLineAndColumn) {
  EXPECT_EQ(error("graph @g(%x: f32[2]) {\n  %y = reul(%x): f32[2]\n"),
            "line 2, column 8: unknown op");
  EXPECT_EQ(error("graph @g(%x: f32[2]) {\n  %y = relu(%z): f32[2]\n"),
            "line 2, column 15: 'z' is not defined");
  EXPECT_EQ(error("graph @g(%x: f99[2])"), "line 1, column 17: unknown element type 'f99'");
  EXPECT_EQ(error("graph @g() {\n const @c: f32[99999999999, 99999999999] = splat 1\n"),
            "line 2, column 44: too large");
}

TEST_F(IrText, WrongResultTypeIsRefused) {
  EXPECT_EQ(error("graph @g(%x: f32[2]) {\n  %y = relu(%x): f32[3]\n  return\n}"),
            "line 3, column 3: 'relu' gives another type than is written");
}

TEST_F(IrText, EveryTruncationIsAnError) {
  for (size_t length = 0; length + 2 < kGraph.size(); ++length) {
    EXPECT_FALSE(parse_graph(kGraph.substr(0, length), ops_.set).ok()) << length;
  }
}

}  // namespace
}  // namespace ferryman
