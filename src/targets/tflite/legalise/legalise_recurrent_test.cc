#include <set>

#include "ops/layers/recurrent.h"
#include "targets/tflite/legalise/legalise_test_support.h"

namespace ferryman::tflite {
namespace {

struct LayerCase {
  OpName op;
  RecurrentSizes sizes;
  int64_t inputs = 3;
  bool has_biases = true;
  std::vector<NamedAttr> attrs = {};
};

// A graph of one layer on an input, its parameters random constants.
void build_layer(Graph& graph, const LayerCase& layer) {
  Builder builder(graph);
  const RecurrentSizes& sizes = layer.sizes;
  const bool is_lstm = layer.op == ops::kLstm;
  const int64_t num_gates = is_lstm ? 4 : layer.op == ops::kGru ? 3 : 1;
  const int64_t gates = num_gates * sizes.hidden;
  uint32_t seed = 10;
  const auto constant = [&](Ints shape) {
    // Small enough that a relu layer does not grow from step to step.
    return builder.constant(random_values(std::move(shape), ++seed, -0.5, 0.5), "parameter");
  };
  std::vector<ValueId> operands = {
      graph.add_input("x", {DType::kF32, Dims{sizes.steps, sizes.batch, layer.inputs}}),
      constant({sizes.directions, sizes.batch.size(), sizes.outputs})};
  if (is_lstm) operands.push_back(constant({sizes.directions, sizes.batch.size(), sizes.hidden}));
  operands.push_back(constant({sizes.directions, gates, layer.inputs}));
  operands.push_back(constant({sizes.directions, gates, sizes.outputs}));
  for (int bias = 0; bias < 2; ++bias)
    operands.push_back(layer.has_biases ? constant({sizes.directions, gates}) : ValueId());
  if (is_lstm) {
    const bool projects = sizes.outputs != sizes.hidden;
    operands.push_back(projects ? constant({sizes.directions, sizes.outputs, sizes.hidden})
                                : ValueId());
  }
  const Result<OpId> made = builder.try_create(layer.op, operands, layer.attrs);
  ASSERT_TRUE(made.ok()) << render(made.diag());
  const std::vector<ValueId> results = graph.op(*made).results;
  for (size_t i = 0; i < results.size(); ++i) graph.add_output("y" + std::to_string(i), results[i]);
}

struct LegalisedLayer {
  double largest_error = 0;
  std::set<std::string> ops;
};

LegalisedLayer legalise_layer(const LayerCase& layer, RecurrentForm form) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  build_layer(graph, layer);
  const std::vector<TensorData> inputs = {
      random_values({layer.sizes.steps.size(), layer.sizes.batch.size(), layer.inputs})};
  const std::vector<TensorData> before = evaluate_outputs(graph, inputs);
  Diagnostics diagnostics;
  PassOptions options;
  options.verify = VerifyEach::kYes;
  const auto report = run_passes(graph, legalise_passes({.recurrent = form}), options, diagnostics);
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(render(diagnostics, Severity::kError), "");
  LegalisedLayer result;
  for (const OpId id : graph.op_ids()) result.ops.emplace(graph.op(id).def->name);
  const std::vector<TensorData> after = evaluate_outputs(graph, inputs);
  for (size_t i = 0; i < before.size(); ++i) {
    const std::vector<double> a = before[i].to_doubles(), b = after[i].to_doubles();
    EXPECT_EQ(a.size(), b.size());
    for (size_t k = 0; k < a.size(); ++k)
      result.largest_error = std::max(result.largest_error, std::fabs(a[k] - b[k]));
  }
  return result;
}

std::vector<LayerCase> all_cases() {
  std::vector<LayerCase> cases;
  for (const int64_t directions : {1, 2}) {
    for (const int64_t steps : {4, 5, 23}) {  // 23: 11 iterations of 2, and one step
      const RecurrentSizes sizes = {steps, 2, directions, 3, 3};
      for (const OpName op : {ops::kLstm, ops::kGru}) {
        cases.push_back({op, sizes});
        cases.push_back({op, sizes, 2, /*has_biases=*/false});
      }
      cases.push_back({ops::kRnn, sizes, 3, true, {{attr::kNonlinearity, std::string("relu")}}});
      cases.push_back({ops::kRnn, sizes, 3, true, {{attr::kNonlinearity, std::string("tanh")}}});
      cases.push_back({ops::kLstm, {steps, 2, directions, 4, 2}});
    }
  }
  return cases;
}

TEST(LegaliseRecurrent, EveryFormKeepsTheValues) {
  for (const LayerCase& layer : all_cases()) {
    SCOPED_TRACE(std::string(layer.op.text) + " of " + std::to_string(layer.sizes.steps.size()));
    for (const RecurrentForm form : {RecurrentForm::kUnrolled, RecurrentForm::kLoop}) {
      EXPECT_LE(legalise_layer(layer, form).largest_error, 2e-6);
    }
  }
}

TEST(LegaliseRecurrent, ALoopIsAScan) {
  const LayerCase layer = {ops::kLstm, {8, 1, 2, 3, 3}};
  EXPECT_TRUE(legalise_layer(layer, RecurrentForm::kLoop).ops.contains("scan"));
  EXPECT_FALSE(legalise_layer(layer, RecurrentForm::kUnrolled).ops.contains("scan"));
  EXPECT_FALSE(legalise_layer(layer, RecurrentForm::kAuto).ops.contains("scan"));
}

// 140 wide: four steps of both directions do not fit into the cache together.
TEST(LegaliseRecurrent, WideDirectionsHaveLoopsOfTheirOwn) {
  const LayerCase layer = {ops::kRnn, {9, 1, 2, 140, 140}};
  const LegalisedLayer legalised = legalise_layer(layer, RecurrentForm::kLoop);
  EXPECT_TRUE(legalised.ops.contains("scan"));
  EXPECT_LE(legalised.largest_error, 4e-6);  // sums of 140 in float32
}

}  // namespace
}  // namespace ferryman::tflite
