#include "ir/evaluate.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"

namespace ferryman {
namespace {

TEST(EvaluateGraph, GivesTheOutputsInOrderAndFreesNothingThatIsStillRead) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  const ValueId x = graph.add_input("x", {DType::kF32, {3}});
  Builder builder(graph);
  const ValueId doubled = builder.create(ops::kAdd, {x, x});
  const ValueId sum =
      builder.create(ops::kSum, {doubled}, {{attr::kAxes, Axes{{0}}}, {attr::kKeepDim, false}});
  const ValueId rest = builder.create(ops::kSub, {doubled, sum});
  graph.add_output("rest", rest);
  graph.add_output("doubled", doubled);

  const std::vector<TensorData> inputs = {TensorData::of<float>({3}, {1, -2, 3})};
  const auto outputs = evaluate_graph(graph, inputs);
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ((*outputs)[0].to_doubles(), (std::vector<double>{-2, -8, 2}));
  EXPECT_EQ((*outputs)[1].to_doubles(), (std::vector<double>{2, -4, 6}));
}

TEST(EvaluateGraph, RefusesInputsOfAnotherType) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  graph.add_output("y", graph.add_input("x", {DType::kF32, {3}}));
  const std::vector<TensorData> inputs = {TensorData::of<float>({2}, {1, 2})};
  const auto outputs = evaluate_graph(graph, inputs);
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.diag().what, "input 'x' has another type");
}

TEST(EvaluateGraph, AWholeNumberDividedByZeroHasNoValue) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  const ValueId x = graph.add_input("x", {DType::kI32, {1}});
  Builder builder(graph);
  graph.add_output("y", builder.create(ops::kFloorDivide, {x, builder.scalar(DType::kI32, 0)}));
  const std::vector<TensorData> inputs = {TensorData::of<int32_t>({1}, {1})};
  const auto outputs = evaluate_graph(graph, inputs);
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.diag().what, "floor_divide: a whole number divided by zero");
}

}  // namespace
}  // namespace ferryman
