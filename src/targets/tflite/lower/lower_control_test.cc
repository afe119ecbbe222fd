#include <gtest/gtest.h>

#include <algorithm>

#include "ir/parse.h"
#include "ops/families.h"
#include "support/blob.h"
#include "support/check.h"
#include "targets/tflite/format/print.h"
#include "targets/tflite/format/read.h"
#include "targets/tflite/format/write.h"
#include "targets/tflite/lower/contract.h"
#include "targets/tflite/lower/lower.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {
namespace {

Model lowered(std::string_view text) {
  Ops ops;
  add_all_ops(ops);
  Result<Graph> graph = parse_graph(text, ops.set);
  if (!graph.ok()) internal_error(render(graph.diag()));
  return lower_to_tflite(*graph, layout::plan_layout(*graph, TfliteContract(), {})).model;
}

void expect_sound(const Model& model) {
  EXPECT_EQ(render(verify_model(model), Severity::kError), "");
  Result<std::vector<std::byte>> bytes = serialise_tflite(model);
  ASSERT_TRUE(bytes.ok());
  const Result<Model> read = read_tflite(owned_blob(*std::move(bytes)));
  ASSERT_TRUE(read.ok()) << render(read.diag());
  EXPECT_EQ(print_model(*read), print_model(model));
}

constexpr std::string_view kScan = R"(
graph @main(%h: f32[1, 2], %xs: f32[4, 1, 2], %w: f32[1, 2]) {
  %last, %ys = scan(%h, %xs, %w) {body=graph @step(%h: f32[1, 2], %x: f32[1, 2], %w: f32[1, 2]) {
    %a = mul(%h, %w): f32[1, 2]
    %b = add(%a, %x): f32[1, 2]
    return h=%b, y=%a
  }, carried=1, sequences=1, reverse=REVERSE}: f32[1, 2], f32[4, 1, 2]
  return last=%last, ys=%ys
})";

std::string scan_text(bool reverse) {
  std::string text(kScan);
  const size_t at = text.find("REVERSE");
  return text.replace(at, 7, reverse ? "true" : "false");
}

TEST(LowerControl, AScanIsAWhileOverPositions) {
  const Model model = lowered(scan_text(false));
  expect_sound(model);
  EXPECT_EQ(print_model(model), R"(tflite ""  // runtime 2.9.0 (DYNAMIC_UPDATE_SLICE) or later
signature "serving_default" of graph 0: ("h": %h, "xs": %xs, "w": %w) -> ("last": %last, "ys": %#12)
graph main(%h: f32[1,2], %xs: f32[4,1,2], %w: f32[1,2]) -> (%last, %#12) {
  %#5 = FILL([4,2], 0) : f32[4,2]
  %#7, %#8, %last, %#10, %ys = WHILE(0, %xs, %h, %w, %#5) {cond_subgraph_index=1, body_subgraph_index=2} : i32[], f32[4,1,2], f32[1,2], f32[1,2], f32[4,2]
  %#12 = RESHAPE(%ys, [4,1,2]) {new_shape=[4,1,2]} : f32[4,1,2]
}
graph scan/condition_1(%#0: i32[], %#1: f32[4,1,2], %#2: f32[1,2], %#3: f32[1,2], %#4: f32[4,2]) -> (%continues) {
  %continues = LESS(%#0, 4) : bool[]
}
graph scan/body_2(%counter: i32[], %sequence: f32[4,1,2], %h: f32[1,2], %w: f32[1,2], %stored: f32[4,2]) -> (%next, %sequence, %b, %w, %updated) {
  %x = GATHER(%sequence, %counter) : f32[1,2]
  %a = MUL(%h, %w) : f32[1,2]
  %b = ADD(%a, %x) : f32[1,2]
  %start = PACK(%counter, 0) {values_count=2} : i32[2]
  %updated = DYNAMIC_UPDATE_SLICE(%stored, %a, %start) : f32[4,2]
  %next = ADD(%counter, 1) : i32[]
}
10 operators, 0 bytes of weights
)");
}

TEST(LowerControl, AReversedScanCountsFromTheEnd) {
  const Model model = lowered(scan_text(true));
  expect_sound(model);
  EXPECT_NE(print_model(model).find("%position = SUB(3, %counter)"), std::string::npos);
}

TEST(LowerControl, ScansOfOneBodyCallTheSameGraphs) {
  const Model model = lowered(R"(
graph @main(%h: f32[1, 2], %xs: f32[4, 1, 2]) {
  %a, %ys = scan(%h, %xs) {body=graph @step(%h: f32[1, 2], %x: f32[1, 2]) {
    %b = add(%h, %x): f32[1, 2]
    return h=%b, y=%b
  }, carried=1, sequences=1}: f32[1, 2], f32[4, 1, 2]
  %b, %zs = scan(%a, %ys) {body=@step, carried=1, sequences=1}: f32[1, 2], f32[4, 1, 2]
  return b=%b, zs=%zs
})");
  expect_sound(model);
  EXPECT_EQ(model.subgraphs.size(), 3U);
}

// A SLICE lies between, since WHILE would read the first after it has written it.
TEST(LowerControl, VariablesThatChangePlacesAreCopied) {
  const Model model = lowered(R"(
graph @main(%go: bool[], %x: f32[2], %y: f32[2]) {
  %g, %a, %b = while(%go, %x, %y) {condition=graph @condition(%g: bool[], %x: f32[2], %y: f32[2]) {
    return g=%g
  }, body=graph @body(%g: bool[], %x: f32[2], %y: f32[2]) {
    %no = logical_not(%g): bool[]
    return g=%no, x=%y, y=%x
  }}: bool[], f32[2], f32[2]
  return a=%a, b=%b
})");
  expect_sound(model);
  const Subgraph& body = model.subgraphs.back();
  EXPECT_EQ(std::count_if(body.operators.begin(), body.operators.end(),
                          [](const Operator& op) { return op.op == Op::kSlice; }),
            2);
}

// The image of the convolutions around is not turned on its way through the branch.
TEST(LowerControl, AnImageStaysChannelsLastInABranch) {
  const Model model = lowered(R"(
graph @main(%c: bool[], %x: f32[1, 3, 8, 8]) {
  const @w: f32[3, 3, 1, 1] = random 1
  %a = conv(%x, @w, _) {stride=[1, 1], padding_before=[0, 0], padding_after=[0, 0], dilation=[1, 1], groups=1}: f32[1, 3, 8, 8]
  %b = if(%c, %a) {then=graph @then(%x: f32[1, 3, 8, 8]) {
    %y = tanh(%x): f32[1, 3, 8, 8]
    return y=%y
  }, else=graph @else(%x: f32[1, 3, 8, 8]) {
    const @v: f32[3, 3, 1, 1] = random 2
    %y = conv(%x, @v, _) {stride=[1, 1], padding_before=[0, 0], padding_after=[0, 0], dilation=[1, 1], groups=1}: f32[1, 3, 8, 8]
    return y=%y
  }}: f32[1, 3, 8, 8]
  %y = conv(%b, @w, _) {stride=[1, 1], padding_before=[0, 0], padding_after=[0, 0], dilation=[1, 1], groups=1}: f32[1, 3, 8, 8]
  return y=%y
})");
  expect_sound(model);
  size_t transposes = 0;
  for (const Subgraph& graph : model.subgraphs) {
    for (const Operator& op : graph.operators) transposes += op.op == Op::kTranspose ? 1 : 0;
  }
  EXPECT_EQ(transposes, 2U);  // of the input and the output
}

}  // namespace
}  // namespace ferryman::tflite
