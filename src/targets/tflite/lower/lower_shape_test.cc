#include <gtest/gtest.h>

#include <algorithm>

#include "layout/plan.h"
#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"
#include "targets/tflite/lower/contract.h"
#include "targets/tflite/lower/lower.h"

namespace ferryman::tflite {
namespace {

// The names of the operators, in order.
std::vector<std::string> lowered_operators(const Graph& graph) {
  const layout::LayoutPlan plan = layout::plan_layout(graph, TfliteContract(), {});
  const Lowered lowered = lower_to_tflite(graph, plan);
  std::vector<std::string> names;
  for (const Operator& op : lowered.model.subgraphs[0].operators)
    names.emplace_back(to_string(op.op));
  return names;
}

// Rows of 4 and rows of 6 share no factors, so that no relabelling leads from one to the other.
TEST(LowerShape, ReshapeWithoutCommonFactorsIsAnOperator) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  const ValueId x = graph.add_input("x", {DType::kF32, {Dim(6), Dim(4)}});
  const ValueId before = builder.create(ops::kExp, {x});
  const ValueId rows =
      builder.create(ops::kReshape, {before}, {{attr::kShape, ShapeAttr{{Dim(4), Dim(6)}}}});
  graph.add_output("y", builder.create(ops::kExp, {rows}));
  EXPECT_EQ(lowered_operators(graph), (std::vector<std::string>{"EXP", "RESHAPE", "EXP"}));
}

TEST(LowerShape, ReshapeOfNoElements) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  const ValueId x = graph.add_input("x", {DType::kF32, {Dim(0), Dim(4)}});
  const ValueId rows =
      builder.create(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{{Dim(2), Dim(0)}}}});
  graph.add_output("y", builder.create(ops::kExp, {rows}));
  EXPECT_EQ(lowered_operators(graph), (std::vector<std::string>{"RESHAPE", "EXP"}));
}

class FreeSizes : public testing::Test {
 protected:
  FreeSizes() : graph_(ops_set()) {}

  const OpSet& ops_set() {
    add_all_ops(ops_);
    return ops_.set;
  }
  Dim symbol(const std::string& name) { return graph_.symbols().symbol(name, {1, 64}, 3); }
  ValueId reshaped(ValueId x, Dims dims) {
    return Builder(graph_).create(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{dims}}});
  }

  Ops ops_;
  Graph graph_;
};

// [n, 6] -> [n, 24 / 4 …]: the axes share no factors, so it is an operator.
TEST_F(FreeSizes, OneIsLeftToTheRuntime) {
  const Dim n = symbol("n");
  const ValueId x = graph_.add_input("x", {DType::kF32, {n, 6, 4}});
  const ValueId y = reshaped(Builder(graph_).create(ops::kExp, {x}), {n, 4, 6});
  graph_.add_output("y", Builder(graph_).create(ops::kExp, {y}));
  EXPECT_EQ(lowered_operators(graph_), (std::vector<std::string>{"EXP", "RESHAPE", "EXP"}));
  const layout::LayoutPlan plan = layout::plan_layout(graph_, TfliteContract(), {});
  const Lowered lowered = lower_to_tflite(graph_, plan);
  const Subgraph& main = lowered.model.subgraphs[0];
  EXPECT_EQ(main.tensor(main.inputs[0]).shape, (std::vector<int32_t>{3, 6, 4}));
  EXPECT_EQ(main.tensor(main.inputs[0]).shape_signature, (std::vector<int32_t>{-1, 6, 4}));
  EXPECT_EQ(main.operators[1].options.get_if<ReshapeOptions>()->new_shape,
            (std::vector<int32_t>{-1, 4, 6}));
}

TEST_F(FreeSizes, SeveralAreComputedOnce) {
  const Dim n = symbol("n");
  const Dim m = symbol("m");
  const ValueId x = graph_.add_input("x", {DType::kF32, {n, m, 6, 4}});
  ValueId y = x;
  for (const Dims& dims : {Dims{n, m, 4, 6}, Dims{n, m, 6, 4}})
    y = reshaped(Builder(graph_).create(ops::kExp, {y}), dims);
  graph_.add_output("y", Builder(graph_).create(ops::kExp, {y}));
  std::vector<std::string> names = lowered_operators(graph_);
  EXPECT_EQ(std::count(names.begin(), names.end(), "SHAPE"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "STRIDED_SLICE"), 2);
  EXPECT_EQ(std::count(names.begin(), names.end(), "RESHAPE"), 2);
}

TEST_F(FreeSizes, OneThatNoInputTellsIsRefused) {
  const ValueId x = graph_.add_input("x", {DType::kF32, {2}});
  const NamedAttr attrs[] = {{attr::kShape, ShapeAttr{{symbol("n")}}}};
  const ValueId numbers = Builder(graph_).create(ops::kIota, std::span<const ValueId>(), attrs);
  graph_.add_output("x", x);
  graph_.add_output("y", numbers);
  EXPECT_THROW((void)lowered_operators(graph_), SizeError);
}

}  // namespace
}  // namespace ferryman::tflite
