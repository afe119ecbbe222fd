#include "frontend/functionalise/drop_input_writes.h"

#include <gtest/gtest.h>

#include "frontend/program_for_test.h"

namespace ferryman::frontend {
namespace {

// Without the line about the program.
std::string nodes_of(const Program& program) {
  const std::string text = print_program(program);
  return text.substr(text.find('\n') + 1);
}

TEST(DropInputWrites, TheOutputsStayAndARemarkTellsThePlace) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  const ValueIndex y = builder.node("aten.relu.default", {tensor("self", x)}, {2});
  const ValueIndex z = builder.node("aten.neg.default", {tensor("self", y)}, {2});
  builder.output(y, "x", OutputKind::kInputMutation);
  builder.output(z);
  builder.program.outputs[0].written_at = {{"m", "", "relu_", "net.py", 3}};
  Diagnostics remarks;
  const Program program = drop_input_writes(builder.program, remarks);
  EXPECT_EQ(nodes_of(program), R"(input user "x" = %x: f32[2]
%n0: f32[2] = aten.relu.default(self=%x)  loc(n0; m; ; net.py:10)
%n1: f32[2] = aten.neg.default(self=%n0)  loc(n1; m; ; net.py:11)
output user "" = %n1
)");
  EXPECT_EQ(render(remarks, Severity::kRemark), R"(remark: forward writes into its input 'x'
  at    m (net.py:3), node relu_
  why:  the outputs are as after the write; the caller's own tensor is not written
  hint: return the new value, too, if the caller reads it there)");
}

TEST(DropInputWrites, WhatOnlyTheWriteNeededIsGone) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  const ValueIndex y = builder.node("aten.relu.default", {tensor("self", x)}, {2});
  builder.output(y, "x", OutputKind::kInputMutation);
  builder.output(x);
  Diagnostics remarks;
  const Program program = drop_input_writes(builder.program, remarks);
  EXPECT_EQ(nodes_of(program), R"(input user "x" = %x: f32[2]
output user "" = %x
)");
  // Programs that torch made functional tell no place: that of the value's node stands for it.
  EXPECT_EQ(remarks.all().front().places.front().line, 10);
}

}  // namespace
}  // namespace ferryman::frontend
