#include "frontend/program/inline_graphs.h"

#include <gtest/gtest.h>

namespace ferryman::frontend {
namespace {

Value make_scalar(std::string name) {
  return {.name = std::move(name), .tensor = TensorMeta{}, .number = {}};
}

Node make_node(std::string target, std::vector<Argument> args, std::vector<ValueIndex> results) {
  Node node{.target = std::move(target), .name = "n", .args = {}, .results = {}, .location = {}};
  for (Argument& arg : args) node.args.push_back({"", std::move(arg)});
  node.results = std::move(results);
  return node;
}

// x -> region(mul: inner * 2) -> mul: outer + 1, where the region's body has a `mul` of its own.
Program make_program(std::string region, std::vector<Argument> options) {
  Program program;
  program.values = {make_scalar("x"), make_scalar("inner"), make_scalar("mul"), make_scalar("item"),
                    make_scalar("mul")};
  program.inputs = {Input{.value = 0, .constant = {}, .name = "x", .data = {}}};
  program.subgraphs = {
      {"body", {1}, {make_node("aten.mul.Tensor", {{ValueRef{1}}, {2.0}}, {2})}, {{ValueRef{2}}}}};
  options.push_back({GraphRef{0}});
  options.push_back({ValueRef{0}});
  program.nodes = {make_node(std::move(region), std::move(options), {3}),
                   make_node("aten.add.Tensor", {{ValueRef{3}}, {1.0}}, {4})};
  program.nodes[0].location.module_path = "block";
  program.outputs = {{OutputKind::kUser, {ValueRef{4}}, ""}};
  return program;
}

std::string inlined(Program program) {
  EXPECT_TRUE(verify_program(program).ok());
  program = inline_trivial_graphs(std::move(program));
  const Status status = verify_program(program);
  return status.ok() ? print_program(program) : status.diag().what;
}

TEST(InlineGraphs, NoGradRegionsDisappear) {
  EXPECT_EQ(inlined(make_program("higher_order.wrap_with_set_grad_enabled", {{false}})),
            R"(program torch 
input user "x" = %x: f32[]
%mul_inlined_1: f32[] = aten.mul.Tensor(%x, 2.0)  loc(n; block; ; :0)
%mul: f32[] = aten.add.Tensor(%mul_inlined_1, 1.0)
output user "" = %mul
)");
}

TEST(InlineGraphs, AutocastDisappearsOnlyWhenItIsOff) {
  const auto region = [](bool is_enabled) {
    return make_program("higher_order.wrap_with_autocast",
                        {{"cpu"}, {None{}}, {is_enabled}, {None{}}});
  };
  EXPECT_EQ(inlined(region(false)).find("autocast"), std::string::npos);
  EXPECT_EQ(inlined(region(true)), print_program(region(true)));
}

TEST(InlineGraphs, ControlFlowStays) {
  const Program program = make_program("higher_order.cond", {{false}});
  EXPECT_EQ(inlined(program), print_program(program));
}

TEST(InlineGraphs, RegionsInsideOfRegionsDisappear) {
  Program program = make_program("higher_order.wrap_with_set_grad_enabled", {{false}});
  program.values.push_back(make_scalar("deep"));
  program.values.push_back(make_scalar("result"));
  program.subgraphs.push_back({"deep", {5}, {}, {{ValueRef{5}}}});  // hands its input on
  program.subgraphs[0].nodes.push_back(make_node("higher_order.wrap_with_set_grad_enabled",
                                                 {{true}, {GraphRef{1}}, {ValueRef{2}}}, {6}));
  program.subgraphs[0].outputs = {{ValueRef{6}}};
  EXPECT_EQ(inlined(program),
            inlined(make_program("higher_order.wrap_with_set_grad_enabled", {{false}})));
}

TEST(InlineGraphs, RegionsInsideOfControlFlowDisappear) {
  Program program = make_program("higher_order.cond", {{false}});
  program.values.push_back(make_scalar("deep"));
  program.values.push_back(make_scalar("result"));
  program.subgraphs.push_back(
      {"deep", {5}, {make_node("aten.neg.default", {{ValueRef{5}}}, {6})}, {{ValueRef{6}}}});
  program.values.push_back(make_scalar("item"));
  program.subgraphs[0].nodes.push_back(make_node("higher_order.wrap_with_set_grad_enabled",
                                                 {{true}, {GraphRef{1}}, {ValueRef{2}}}, {7}));
  program.subgraphs[0].outputs = {{ValueRef{7}}};
  EXPECT_NE(inlined(program).find("    %result: f32[] = aten.neg.default(%mul)  loc(n; ; ; :0)\n"
                                  "    return %result\n"),
            std::string::npos);
}

}  // namespace
}  // namespace ferryman::frontend
