#include "frontend/program/program.h"

#include <gtest/gtest.h>

namespace ferryman::frontend {
namespace {

Value make_tensor(std::string name, std::vector<int64_t> sizes, std::vector<int64_t> strides) {
  Value value{.name = std::move(name), .tensor = TensorMeta{}, .number = {}};
  for (const int64_t size : sizes) value.tensor->sizes.push_back({size, ""});
  for (const int64_t stride : strides) value.tensor->strides.push_back({stride, ""});
  return value;
}

// relu(x) + w, with w a transposed view of its storage.
Program make_program() {
  Program program;
  program.torch_version = "2.13.0";
  program.values = {make_tensor("p_w", {2, 3}, {1, 2}), make_tensor("x", {2, 3}, {3, 1}),
                    make_tensor("relu", {2, 3}, {3, 1}), make_tensor("add", {2, 3}, {3, 1})};
  Input weight{.kind = InputKind::kParameter, .value = 0, .constant = {}, .name = "w", .data = {}};
  weight.data = TensorStorage{owned_blob(std::vector<std::byte>(24)), 0, {1, 2}};
  weight.storage_id = 7;
  program.inputs = {weight, Input{.value = 1, .constant = {}, .name = "x", .data = {}},
                    Input{.constant = {true}, .name = "flag", .data = {}}};
  Node relu{"aten.relu.default", "relu", {{"self", {ValueRef{1}}}}, {2}, {}};
  Node add{"aten.add.Tensor", "add", {}, {3}, {}};
  add.args = {{"self", {ValueRef{2}}}, {"other", {ValueRef{0}}}, {"alpha", {2.0}}};
  add.location = {.module_path = "a.b", .module_type = "m.B", .node = "add", .file = "m.py"};
  add.location.line = 5;
  program.nodes = {relu, add};
  program.outputs = {{OutputKind::kUser, {ValueRef{3}}, "out"}};
  return program;
}

std::string failure(const Program& program) {
  const Status status = verify_program(program);
  return status.ok() ? "ok" : status.diag().what;
}

TEST(Program, PrintsInputsNodesAndOutputs) {
  EXPECT_EQ(print_program(make_program()),
            R"(program torch 2.13.0
input parameter "w" = %p_w: f32[2, 3] strides [1, 2] in storage 0 at 0 strides [1, 2], 24 bytes )"
            R"(81d23fd7003c2305
input user "x" = %x: f32[2, 3]
input user "flag" = true
%relu: f32[2, 3] = aten.relu.default(self=%x)
%add: f32[2, 3] = aten.add.Tensor(self=%relu, other=%p_w, alpha=2.0)  loc(add; a.b; m.B; m.py:5)
output user "out" = %add
)");
}

TEST(Program, PrintsEveryKindOfArgument) {
  Program program = make_program();
  Argument list{ArgumentList{{int64_t{-1}}, {None{}}, {"a\"b\n"}, {ValueRef{1}}}};
  program.nodes[0].args = {{"", {None{}}},
                           {"", {DTypeArg{DType::kI64}}},
                           {"", {EnumArg{"device", "cpu"}}},
                           {"", {1e-5}},
                           {"l", list}};
  program.nodes.resize(1);
  program.nodes[0].results = {kNoValue};
  const std::string text = print_program(program);
  EXPECT_NE(text.find(R"(none = aten.relu.default(none, i64, device:cpu, 1e-05, )"
                      R"(l=[-1, none, "a\"b\n", %x]))"),
            std::string::npos)
      << text;
}

TEST(Program, PrintsSubgraphsBelowTheirNode) {
  Program program = make_program();
  program.values.push_back(make_tensor("arg", {}, {}));
  Node inner{"aten.neg.default", "neg", {{"self", {ValueRef{4}}}}, {5}, {}};
  program.values.push_back(make_tensor("neg", {}, {}));
  program.subgraphs = {{"true_graph_0", {4}, {inner}, {{ValueRef{5}}}}};
  program.nodes[0].target = "higher_order.cond";
  program.nodes[0].args = {{"", {GraphRef{0}}}};
  EXPECT_EQ(failure(program), "ok");
  EXPECT_NE(print_program(program).find("cond(graph true_graph_0)\n"
                                        "  graph true_graph_0(%arg: f32[]):\n"
                                        "    %neg: f32[] = aten.neg.default(self=%arg)\n"
                                        "    return %neg\n"),
            std::string::npos)
      << print_program(program);
}

TEST(VerifyProgram, AcceptsAGoodProgram) {
  EXPECT_EQ(failure(make_program()), "ok");
}

TEST(VerifyProgram, RefusesUseBeforeDefinition) {
  Program program = make_program();
  std::swap(program.nodes[0], program.nodes[1]);
  EXPECT_EQ(failure(program), "node add (aten.add.Tensor) uses %relu before it is defined");
}

TEST(VerifyProgram, RefusesTwoProducers) {
  Program program = make_program();
  program.nodes[1].results = {2};
  EXPECT_EQ(failure(program), "node add (aten.add.Tensor) defines %relu again");
}

TEST(VerifyProgram, RefusesValuesWithoutProducer) {
  Program program = make_program();
  program.values.push_back(make_tensor("lost", {}, {}));
  EXPECT_EQ(failure(program), "%lost has no producer");
}

TEST(VerifyProgram, RefusesIndicesOutOfRange) {
  Program program = make_program();
  program.outputs[0].arg = {ValueRef{99}};
  EXPECT_EQ(failure(program), "an output uses a value out of range");
}

TEST(VerifyProgram, RefusesWeightsOutsideTheirStorage) {
  Program program = make_program();
  program.inputs[0].data->offset = 1;
  EXPECT_EQ(failure(program), "input 'w' reaches outside its storage of 24 bytes");
  program.inputs[0].data->offset = INT64_MAX;
  EXPECT_EQ(failure(program), "input 'w' reaches outside its storage of 24 bytes");
}

TEST(VerifyProgram, RefusesOuterValuesInSubgraphs) {
  Program program = make_program();
  program.subgraphs = {{"body", {}, {}, {{ValueRef{1}}}}};
  program.nodes[0].args = {{"", {GraphRef{0}}}};
  EXPECT_EQ(failure(program), "graph body uses %x before it is defined");
}

TEST(VerifyProgram, RefusesAGraphThatContainsItself) {
  Program program = make_program();
  Node again{"higher_order.cond", "cond", {{"", {GraphRef{0}}}}, {}, {}};
  program.subgraphs = {{"body", {}, {again}, {}}};
  program.nodes[0].args = {{"self", {ValueRef{1}}}, {"", {GraphRef{0}}}};
  EXPECT_EQ(failure(program), "node cond (higher_order.cond) uses a graph for the second time");
}

}  // namespace
}  // namespace ferryman::frontend
