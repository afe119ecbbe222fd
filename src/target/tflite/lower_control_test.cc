#include <gtest/gtest.h>

#include "ops/families.h"
#include "ops/names.h"
#include "support/blob.h"
#include "target/tflite/contract.h"
#include "target/tflite/lower.h"
#include "target/tflite/print.h"
#include "target/tflite/read.h"
#include "target/tflite/verify.h"
#include "target/tflite/write.h"

namespace ferryman::tflite {
namespace {

Model lowered_scan(int64_t directions, int64_t steps = 8) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  const ValueId gates = graph.add_input("gates", {DType::kF32, to_dims({steps, directions, 1, 3})});
  const ValueId h0 = graph.add_input("h0", {DType::kF32, to_dims({directions, 1, 3})});
  const ValueId weight =
      builder.constant(TensorData::filled(DType::kF32, {directions, 3, 3}, 0.5), "w_hh");
  const std::vector<ValueId> results =
      builder.create_all(ops::kRnnScan, std::vector{gates, h0, weight});
  graph.add_output("y", results[0]);
  graph.add_output("h", results[1]);
  return lower_to_tflite(graph, layout::plan_layout(graph, TfliteContract(), {})).model;
}

TEST(LowerScan, AWhileWithTwoStepsInItsBody) {
  const Model model = lowered_scan(1);
  EXPECT_EQ(print_model(model), R"(tflite ""  // runtime 2.9.0 (DYNAMIC_UPDATE_SLICE) or later
signature "serving_default" of graph 0: ("gates": %gates, "h0": %h0) -> ("y": %#12, "h": %#10)
graph main(%gates: f32[8,1,1,3], %h0: f32[1,1,3]) -> (%#12, %#10) {
  %#4 = RESHAPE(%gates, [4,2,1,3]) {new_shape=[4,2,1,3]} : f32[4,2,1,3]
  %#7 = FILL([4,6], 0) : f32[4,6]
  %#8, %#9, %#10, %#11 = WHILE(0, %#4, %h0, %#7) {cond_subgraph_index=1, body_subgraph_index=2} : i32[], f32[4,2,1,3], f32[1,1,3], f32[4,6]
  %#12 = RESHAPE(%#11, [8,1,1,3]) {new_shape=[8,1,1,3]} : f32[8,1,1,3]
}
graph rnn_scan/condition_1(%#0: i32[], %#1: f32[4,2,1,3], %#2: f32[1,1,3], %#3: f32[4,6]) -> (%continues) {
  %continues = LESS(%#0, 4) : bool[]
}
graph rnn_scan/body_2(%counter: i32[], %all_gates: f32[4,2,1,3], %h: f32[1,1,3], %stored: f32[4,6]) -> (%next, %all_gates, %#14, %updated) {
  %gates = GATHER(%all_gates, %counter) : f32[2,1,3]
  %#4 = SLICE(%gates, [0,0,0], [1,1,3]) : f32[1,1,3]
  %#6 = FULLY_CONNECTED v5(%h, @w_hh_1, _) {keep_num_dims=true} : f32[1,1,3]
  %#7 = ADD(%#6, %#4) : f32[1,1,3]
  %#8 = TANH(%#7) : f32[1,1,3]
  %#11 = SLICE(%gates, [1,0,0], [1,1,3]) : f32[1,1,3]
  %#12 = FULLY_CONNECTED v5(%#8, @w_hh_1, _) {keep_num_dims=true} : f32[1,1,3]
  %#13 = ADD(%#12, %#11) : f32[1,1,3]
  %#14 = TANH(%#13) : f32[1,1,3]
  %#15 = CONCATENATION(%#8, %#14) : f32[2,1,3]
  %#17 = RESHAPE(%#15, [1,6]) {new_shape=[1,6]} : f32[1,6]
  %start = PACK(%counter, 0) {values_count=2} : i32[2]
  %updated = DYNAMIC_UPDATE_SLICE(%stored, %#17, %start) : f32[4,6]
  %next = ADD(%counter, 1) : i32[]
}
constants
  @w_hh_1 f32[3,3] 36 bytes 4c48918fe7de3de0
19 operators, 36 bytes of weights
)");
}

TEST(LowerScan, LoopsOverALongSequenceShareABody) {
  const Model model = lowered_scan(1, 8000);
  EXPECT_EQ(model.subgraphs.size(), 3U);
  EXPECT_EQ(render(verify_model(model), Severity::kError), "");
  std::vector<TensorIndex> states = {model.subgraphs[0].inputs[1]};
  for (const Operator& op : model.subgraphs[0].operators) {
    if (op.op != Op::kWhile) continue;
    EXPECT_EQ(op.inputs[2], states.back());
    states.push_back(op.outputs[2]);
  }
  EXPECT_GT(states.size(), 3U);
  EXPECT_EQ(model.subgraphs[0].outputs[1], states.back());
}

TEST(LowerScan, BothDirectionsAreSoundAndStayTheSameInAFile) {
  const Model model = lowered_scan(2);
  EXPECT_EQ(render(verify_model(model), Severity::kError), "");
  Result<std::vector<std::byte>> bytes = serialise_tflite(model);
  ASSERT_TRUE(bytes.ok());
  const Result<Model> read = read_tflite(owned_blob(*std::move(bytes)));
  ASSERT_TRUE(read.ok()) << render(read.diag());
  EXPECT_EQ(print_model(*read), print_model(model));
}

}  // namespace
}  // namespace ferryman::tflite
