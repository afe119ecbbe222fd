// For tests of op rows: infers and evaluates one op on constants.
//
//   const TensorData y = evaluate_row(ops::kMaxPool, {x}, {{attr::kKernel, Ints{2}}, …});
#pragma once

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ops/families.h"

namespace ferryman {

inline std::vector<double> evaluate_row(OpName name, const std::vector<TensorData>& operands,
                                        const std::vector<NamedAttr>& attrs = {}) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  std::vector<ValueId> values;
  std::vector<const TensorData*> data;
  for (const TensorData& operand : operands) {
    values.push_back(builder.constant(operand));
    data.push_back(&operand);
  }
  const Result<OpId> made = builder.try_create(name, values, attrs);
  EXPECT_TRUE(made.ok()) << render(made.diag());
  if (!made.ok()) return {};
  const Op& op = graph.op(*made);
  const std::vector<TensorType> types = {graph.type(op.result())};
  const Result<std::vector<TensorData>> results =
      op.def->eval(EvalArgs{data, op.attrs_view(), types});
  EXPECT_TRUE(results.ok());
  return results.ok() ? results->front().to_doubles() : std::vector<double>();
}

// Why the op cannot be made.
inline std::string refused_row(OpName name, const std::vector<TensorData>& operands,
                               const std::vector<NamedAttr>& attrs = {}) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  std::vector<ValueId> values;
  for (const TensorData& operand : operands) values.push_back(builder.constant(operand));
  const Result<OpId> made = builder.try_create(name, values, attrs);
  return made.ok() ? "" : made.diag().what;
}

// 0, 1, 2, … as f32.
inline TensorData iota(Ints shape) {
  std::vector<float> values(static_cast<size_t>(product(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return TensorData::of<float>(std::move(shape), values);
}

}  // namespace ferryman
