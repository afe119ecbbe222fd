// For tests of the matrix kit: writes ops on an input and evaluates what they give.
//
//   evaluate_matrices({{1, 2, 2}, {1, 2, 3, 4}},
//                     [](MatrixKit& kit, ValueId a) { return std::vector{kit.transpose(a)}; })
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "ir/evaluate.h"
#include "ops/families.h"
#include "ops/linalg/matrix_kit.h"

namespace ferryman {

struct MatrixInput {
  Ints shape;  // [B, rows, columns]
  std::vector<float> values;
};

// The elements of each result.
using Outcome = std::vector<std::vector<double>>;

inline Outcome evaluate_matrices(
    const MatrixInput& input,
    const std::function<std::vector<ValueId>(MatrixKit&, ValueId)>& write) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  MatrixKit kit{CoreWriter(builder)};
  const ValueId x = graph.add_input("x", {DType::kF32, to_dims(input.shape)});
  for (const ValueId value : write(kit, x)) graph.add_output("y", value);
  const std::vector<TensorData> inputs = {TensorData::of<float>(input.shape, input.values)};
  const auto outputs = evaluate_graph(graph, inputs);
  EXPECT_TRUE(outputs.ok());
  Outcome outcome;
  if (!outputs.ok()) return outcome;
  for (const TensorData& output : *outputs) outcome.push_back(output.to_doubles());
  return outcome;
}

}  // namespace ferryman
