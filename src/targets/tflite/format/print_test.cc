#include "targets/tflite/format/print.h"

#include <gtest/gtest.h>

#include "targets/tflite/format/sample_model.h"

namespace ferryman::tflite {
namespace {

TEST(PrintTflite, ShowsOperatorsWithNamesOptionsAndLiterals) {
  EXPECT_EQ(print_model(sample_model()),
            R"(tflite "sample"  // runtime 1.5.0 or later
signature "serving_default" of graph 0: ("x": %x) -> ("y": %y)
graph main(%x: f32[1,4,4,3]) -> (%y) {
  %conv = CONV_2D(%x, @weight, @bias) {padding=VALID, stride_w=2, stride_h=2} : f32[1,2,2,2]
  %sum = ADD(%conv, @twice) {fused_activation_function=RELU} : f32[1,2,2,2]
  %y = RESHAPE(%sum, [1,8]) {new_shape=[1,8]} : f32[1,8]
}
constants
  @weight f32[2,2,2,3] 96 bytes b8b94f204627dd91
  @bias f32[2] 8 bytes 7d32d32e4f77f4cf
  @twice f32[1,1,2] 8 bytes 7d32d32e4f77f4cf
3 operators, 104 bytes of weights
)");
}

TEST(PrintTflite, NamesThatAreMissingDoubleOrStrangeStayApart) {
  Model model;
  Subgraph& main = model.subgraphs.emplace_back(Subgraph{.name = "main"});
  main.add(f32("a", {}));
  main.add(f32("a", {2}));
  main.add(f32("", {2}));
  main.add(f32("two words\n", {2}));
  main.inputs = {0, 1};
  main.outputs = {3};
  main.operators = {{.op = Op::kAdd, .inputs = {0, 1}, .outputs = {2}},
                    {.op = Op::kRelu, .inputs = {2}, .outputs = {3}}};
  EXPECT_EQ(print_model(model),
            "tflite \"\"  // runtime 1.5.0 or later\n"
            "graph main(%a#0: f32[], %a#1: f32[2]) -> (%\"two words\\x0a\") {\n"
            "  %#2 = ADD(%a#0, %a#1) : f32[2]\n"
            "  %\"two words\\x0a\" = RELU(%#2) : f32[2]\n"
            "}\n"
            "2 operators, 0 bytes of weights\n");
}

}  // namespace
}  // namespace ferryman::tflite
