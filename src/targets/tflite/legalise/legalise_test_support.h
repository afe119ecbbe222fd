// For tests of legalising rules: one op on random data, evaluated before and after.
//
//   expect_legalises({ops::kSilu, {random_values({2, 3})}});
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ir/evaluate.h"
#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"
#include "passes/pass.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

inline TensorData random_values(Ints shape, uint32_t seed = 1, double low = -2, double high = 2) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> values(static_cast<float>(low), static_cast<float>(high));
  std::vector<float> data(static_cast<size_t>(product(shape)));
  for (float& value : data) value = values(generator);
  return TensorData::of<float>(std::move(shape), data);
}

// The values of the outputs for these inputs.
inline std::vector<TensorData> evaluate_outputs(const Graph& graph,
                                                const std::vector<TensorData>& inputs) {
  Result<std::vector<TensorData>> outputs = evaluate_graph(graph, inputs);
  EXPECT_TRUE(outputs.ok()) << render(outputs.diag());
  return outputs.ok() ? *std::move(outputs) : std::vector<TensorData>(graph.outputs().size());
}

// A graph of one op, the first operand being an input and the others constants.
struct OneOpCase {
  OpName op;
  std::vector<TensorData> operands;
  std::vector<NamedAttr> attrs = {};
};

struct Legalised {
  std::vector<std::string> ops;  // names, in execution order
  double largest_error = 0;      // relative to the largest value, or 1
  std::string errors;
};

inline Legalised legalise_one(const OneOpCase& one, const Choices& forms = {}) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  std::vector<ValueId> operands = {
      graph.add_input("x", {one.operands[0].dtype(), to_dims(one.operands[0].shape())})};
  for (size_t i = 1; i < one.operands.size(); ++i)
    operands.push_back(builder.constant(one.operands[i], "parameter"));
  const Result<OpId> made = builder.try_create(one.op, operands, one.attrs);
  if (!made.ok()) return {{}, INFINITY, render(made.diag())};
  graph.add_output("y", graph.op(*made).result());
  const std::vector<double> before = evaluate_outputs(graph, {one.operands[0]})[0].to_doubles();

  Diagnostics diagnostics;
  PassOptions options;
  options.verify = VerifyEach::kYes;
  std::vector<Pass> passes = prepare_passes(forms);
  for (Pass& pass : legalise_passes(forms)) passes.push_back(std::move(pass));
  const auto report = run_passes(graph, passes, options, diagnostics);
  Legalised result;
  result.errors = report.ok() ? render(diagnostics, Severity::kError) : render(report.diag());
  if (!report.ok()) return result;
  for (const OpId id : graph.op_ids()) result.ops.emplace_back(graph.op(id).def->name);
  const std::vector<double> after = evaluate_outputs(graph, {one.operands[0]})[0].to_doubles();
  EXPECT_EQ(before.size(), after.size());
  double largest = 1;
  for (const double value : before) {
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  }
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i] || (std::isnan(before[i]) && std::isnan(after[i]))) continue;
    const double error = std::fabs(before[i] - after[i]) / largest;
    result.largest_error = std::max(result.largest_error, std::isnan(error) ? INFINITY : error);
  }
  return result;
}

// Nothing but ops of TFLite remain, and the values are the same to `tolerance`.
inline void expect_legalises(const OneOpCase& one, double tolerance = 2e-6,
                             const Choices& forms = {}) {
  const Legalised result = legalise_one(one, forms);
  EXPECT_EQ(result.errors, "");
  EXPECT_LE(result.largest_error, tolerance) << testing::PrintToString(result.ops);
}

}  // namespace ferryman::tflite
