// The core ops that ATen calls become, where the choice matters to later stages.
#include "frontend/program_for_test.h"

namespace ferryman::frontend {
namespace {

NamedArgument ints(std::string name, const Ints& values) {
  ArgumentList list;
  for (const int64_t value : values) list.push_back({value});
  return {std::move(name), {std::move(list)}};
}

TEST(TranslateOps, AWriteToEverySecondChannelIsAJoinNotAGather) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {1, 4, 3});
  const ValueIndex part = builder.input("part", {1, 2, 3});
  builder.output(builder.node("aten.slice_scatter.default",
                              {tensor("self", x),
                               tensor("src", part),
                               {"dim", {int64_t{1}}},
                               {"start", {int64_t{1}}},
                               {"step", {int64_t{2}}}},
                              {1, 4, 3}));
  EXPECT_EQ(translated(builder.program).graph,
            R"(graph @main(%x: f32[1, 4, 3], %part: f32[1, 2, 3]) {
  %0 = reshape(%x) {shape=[1, 2, 2, 3]}: f32[1, 2, 2, 3]
  %1 = reshape(%part) {shape=[1, 2, 1, 3]}: f32[1, 2, 1, 3]
  %2 = slice(%0) {starts=[0, 0, 0, 0], ends=[1, 2, 1, 3], steps=[1, 1, 1, 1]}: f32[1, 2, 1, 3]
  %3 = concat(%2, %1) {axis=2}: f32[1, 2, 2, 3]
  %n0 = reshape(%3) {shape=[1, 4, 3]}: f32[1, 4, 3]
  return output=%n0
}
)");
}

TEST(TranslateOps, WhatNobodyReadsOfSeveralResultsIsNotMade) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2, 3});
  const ValueIndex values =
      builder.node("aten.max.dim", {tensor("self", x), {"dim", {int64_t{-1}}}}, {2});
  builder.program.nodes.back().results.push_back(builder.value("indices", DType::kI64, {2}));
  builder.output(values);
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[2, 3]) {
  %n0 = amax(%x) {axes=[1]}: f32[2]
  return output=%n0
}
)");
}

Translated rolled(int64_t size, int64_t shift) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {size});
  builder.output(builder.node("aten.roll.default",
                              {tensor("self", x), ints("shifts", {shift}), ints("dims", {0})},
                              {size}));
  return translated(builder.program);
}

TEST(TranslateOps, RolledPartsChangePlaces) {
  EXPECT_EQ(rolled(5, 2).graph, R"(graph @main(%x: f32[5]) {
  %0 = slice(%x) {starts=[3], ends=[5], steps=[1]}: f32[2]
  %1 = slice(%x) {starts=[0], ends=[3], steps=[1]}: f32[3]
  %n0 = concat(%0, %1) {axis=0}: f32[5]
  return output=%n0
}
)");
}

TEST(TranslateOps, WhatIsRolledByMoreThanThereIsGoesRound) {
  for (const int64_t shift : {7, -3, 10002, -10003}) {
    const Translated round = rolled(5, shift);
    EXPECT_EQ(round.errors, "");
    EXPECT_EQ(round.graph, rolled(5, 2).graph) << shift;
  }
  for (const int64_t shift : {0, 5, -10000}) EXPECT_EQ(rolled(5, shift).graph, rolled(5, 0).graph);
  for (const int64_t shift : {3, -19}) EXPECT_EQ(rolled(0, shift).graph, rolled(0, 0).graph);
}

TEST(TranslateOps, AddOnBoolsIsOr) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2}, DType::kBool);
  builder.output(
      builder.node("aten.add.Tensor", {tensor("self", x), tensor("other", x)}, {2}, DType::kBool));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: bool[2]) {
  %n0 = logical_or(%x, %x): bool[2]
  return output=%n0
}
)");
}

TEST(TranslateOps, DropoutInTrainingModeIsRefusedWithAHint) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.dropout.default",
                              {tensor("input", x), {"p", {0.5}}, {"train", {true}}}, {2}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0204]: aten.dropout.default: in training mode
  at    m (net.py:10), node n0
  why:  a file draws no random numbers
  hint: call model.eval() first; torch.nn.functional.dropout(x) drops in either mode: write dropout(x, p, training=self.training)
)");
}

TEST(TranslateOps, DropoutInTrainingModeWithAProbabilityOfZeroIsNothing) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.dropout.default",
                              {tensor("input", x), {"p", {0.0}}, {"train", {true}}}, {2}));
  EXPECT_EQ(translated(builder.program).errors, "");
}

// Frozen with the example's values: the size is a number, and the mask one of the run.
TEST(TranslateOps, AMaskGivesAsManyEntriesAsTheProgramSays) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {5});
  const ValueIndex mask = builder.input("mask", {5}, DType::kBool);
  ArgumentList indices = {{ValueRef{mask}}};
  builder.output(
      builder.node("aten.index.Tensor", {tensor("self", x), {"indices", {indices}}}, {2}));
  EXPECT_EQ(translated(builder.program).errors, "");
}

}  // namespace
}  // namespace ferryman::frontend
