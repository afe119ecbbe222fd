#include <gtest/gtest.h>

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

}  // namespace
}  // namespace ferryman::tflite
