#include "ops/layers/recurrent.h"

#include <cmath>

#include "ir/evaluate.h"
#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/row_test.h"

namespace ferryman {
namespace {

using Values = std::vector<double>;

TensorData ones(Ints shape) {
  return TensorData::filled(DType::kF32, std::move(shape), 1);
}

// The sequence that a layer or scan of these operands gives.
Values sequence_of(OpName name, const std::vector<TensorData>& operands,
                   const std::vector<NamedAttr>& attrs = {}) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  std::vector<ValueId> values;
  for (const TensorData& operand : operands) values.push_back(builder.constant(operand));
  graph.add_output("y", builder.create_all(name, values, attrs).front());
  const Result<std::vector<TensorData>> outputs = evaluate_graph(graph, {});
  EXPECT_TRUE(outputs.ok());
  return outputs.ok() ? outputs->front().to_doubles() : Values();
}

// One unit that doubles its state and adds its input: forwards 1, 4, 11; backwards 3, 8, 17.
TEST(Recurrent, TheSecondDirectionRunsBackwards) {
  const TensorData x = TensorData::of<float>({3, 1, 1}, {1, 2, 3});
  const TensorData h0 = TensorData::filled(DType::kF32, {2, 1, 1}, 0);
  const TensorData w_hh = TensorData::filled(DType::kF32, {2, 1, 1}, 2);
  const std::vector<NamedAttr> relu = {{attr::kNonlinearity, std::string("relu")}};
  EXPECT_EQ(sequence_of(ops::kRnn, {x, h0, ones({2, 1, 1}), w_hh}, relu),
            (Values{1, 17, 4, 8, 11, 3}));
}

TEST(Recurrent, RefusesOperandsThatDoNotFit) {
  EXPECT_EQ(refused_row(ops::kGru,
                        {ones({3, 2, 4}), ones({1, 2, 5}), ones({1, 15, 4}), ones({1, 15, 6})}),
            "gru: w_hh is [1, 15, 6], where the others need [1, 15, 5]");
  EXPECT_EQ(refused_row(ops::kGru,
                        {ones({3, 2, 4}), ones({1, 2, 5}), ones({1, 16, 4}), ones({1, 16, 5})}),
            "gru: a weight whose rows are not a whole number of gates");
  EXPECT_EQ(
      refused_row(ops::kRnn, {ones({3, 2, 4}), ones({3, 2, 5}), ones({3, 5, 4}), ones({3, 5, 5})}),
      "rnn: input [3, 2, 4] and initial state [3, 2, 5]");
}

}  // namespace
}  // namespace ferryman
