#include "frontend/translate/translate.h"

#include <gtest/gtest.h>

#include "frontend/program_for_test.h"

namespace ferryman::frontend {
namespace {

TEST(Translate, WeightsBecomeConstantsAndValuesKeepTheirNames) {
  ProgramBuilder builder;
  const ValueIndex w = builder.weight(InputKind::kParameter, "fc.bias", {2}, {1, 2});
  const ValueIndex x = builder.input("x", {3, 2});
  const ValueIndex relu = builder.node("aten.relu.default", {tensor("self", x)}, {3, 2});
  const ValueIndex sum =
      builder.node("aten.add.Tensor", {tensor("self", relu), tensor("other", w)}, {3, 2});
  builder.output(sum, "logits");
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[3, 2]) {
  const @fc.bias: f32[2] = [1.0, 2.0]
  %n0 = relu(%x): f32[3, 2]
  %n1 = add(%n0, @fc.bias): f32[3, 2]
  return logits=%n1
}
)");
}

TEST(Translate, ANumberTakesTheTensorsDtypeAndAnIntegerTensorIsCast) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2}, DType::kI32);
  const ValueIndex y = builder.node("aten.mul.Tensor", {tensor("self", x), {"other", {0.5}}}, {2});
  builder.output(y);
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: i32[2]) {
  const @scalar: f32[] = [0.5]
  %0 = cast(%x) {dtype=f32}: f32[2]
  %n0 = mul(%0, @scalar): f32[2]
  return output=%n0
}
)");
}

TEST(Translate, AnAttributeOfARowComesFromTheCall) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.leaky_relu.default",
                              {tensor("self", x), {"negative_slope", {0.25}}}, {2}));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[2]) {
  %n0 = leaky_relu(%x) {negative_slope=0.25}: f32[2]
  return output=%n0
}
)");
}

TEST(Translate, AWrittenBufferBecomesState) {
  ProgramBuilder builder;
  const ValueIndex buffer = builder.weight(InputKind::kBuffer, "steps", {1}, {0});
  const ValueIndex next =
      builder.node("aten.add.Tensor", {tensor("self", buffer), {"other", {int64_t{1}}}}, {1});
  builder.output(next, "steps", OutputKind::kBufferMutation);
  builder.output(next);
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main() {
  state @steps: f32[1] = [0.0]
  const @scalar: f32[] = [1.0]
  %n0 = add(@steps, @scalar): f32[1]
  update @steps = %n0
  return output=%n0
}
)");
}

TEST(Translate, AllUnsupportedOpsAreToldInOneRunWithTheirPlaces) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  const ValueIndex a = builder.node("aten.strange.default", {tensor("self", x)}, {2});
  const ValueIndex b = builder.node("aten.relu.default", {tensor("self", a)}, {2});
  const ValueIndex c = builder.node("aten.strange.default", {tensor("self", b)}, {2});
  builder.output(builder.node("aten.odd.default", {tensor("self", c)}, {2}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0203]: aten.strange.default is not supported
  at    m (net.py:10), node n0   (1 more place)
  hint: express it with other operations of torch, or move it out of the model
error[E0203]: aten.odd.default is not supported
  at    m (net.py:13), node n3
  hint: express it with other operations of torch, or move it out of the model
)");
}

TEST(Translate, AnOpThatDrawsNumbersIsAnErrorThatAsksForAnInput) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.rand_like.default", {tensor("self", x)}, {2}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0203]: aten.rand_like.default is not supported
  at    m (net.py:10), node n0
  hint: a file draws no random numbers: give the model an input for them, and draw outside
)");
}

TEST(Translate, AWriteThatDrawsNumbersHasTheSameHint) {
  for (const std::string op : {"normal_", "exponential_", "bernoulli_", "multinomial", "poisson"}) {
    ProgramBuilder builder;
    const ValueIndex x = builder.input("x", {2});
    builder.output(builder.node("aten." + op + ".default", {tensor("self", x)}, {2}));
    EXPECT_NE(translated(builder.program).errors.find("a file draws no random numbers"),
              std::string::npos)
        << op;
  }
}

TEST(Translate, AnOpWithAnIdiomInItsPlaceSaysSo) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.linalg_eigvals.default", {tensor("self", x)}, {2}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0203]: aten.linalg_eigvals.default is not supported
  at    m (net.py:10), node n0
  hint: of a symmetric matrix torch.linalg.eigvalsh converts
)");
}

TEST(Translate, ErrorsThatOnlyFollowFromAnotherAreLeftOut) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {4});
  const ValueIndex some = builder.node("aten.strange.default", {tensor("self", x)}, {4});
  builder.program.values[some].tensor->sizes[0] = {-1, "u0"};  // nothing can stand in for it
  const ValueIndex more =
      builder.node("aten.relu.default", {tensor("self", some), {"inplace", {true}}}, {4});
  builder.program.values[more].tensor->sizes[0] = {-1, "u0"};
  const ValueIndex sum = builder.node("aten.sum.default", {tensor("self", more)}, {});
  builder.output(builder.node("aten.odd.default", {tensor("self", sum)}, {}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0203]: aten.strange.default is not supported
  at    m (net.py:10), node n0
  hint: express it with other operations of torch, or move it out of the model
error[E0203]: aten.odd.default is not supported
  at    m (net.py:13), node n3
  hint: express it with other operations of torch, or move it out of the model
)");
}

TEST(Translate, AnUnsupportedOpThatNothingReadsDoesNotMatter) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.node("aten.strange.default", {tensor("self", x)}, {2});
  builder.output(x);
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[2]) {
  return output=%x
}
)");
}

TEST(Translate, AnOptionThatBindsToNothingIsAnError) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.relu.default", {tensor("self", x), {"inplace", {true}}}, {2}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0204]: aten.relu.default: the option 'inplace' is not honoured
  at    m (net.py:10), node n0
)");
}

TEST(Translate, AResultThatDiffersFromTheRecordedTypeIsAnError) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(builder.node("aten.relu.default", {tensor("self", x)}, {3}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0301]: aten.relu.default gives float32[2], but the program records float32[3]
  at    m (net.py:10), node n0
)");
}

TEST(Translate, ShapesThatDoNotFitAreAnErrorAtTheNode) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  const ValueIndex y = builder.input("y", {3});
  builder.output(builder.node("aten.add.Tensor", {tensor("self", x), tensor("other", y)}, {3}));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0204]: aten.add.Tensor: add: shapes [2] and [3] do not broadcast
  at    m (net.py:10), node n0
)");
}

TEST(Translate, AWriteThatIsLeftOverIsNeverDropped) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.node("aten.strange_.default", {tensor("self", x)}, {2});
  builder.output(x);
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0203]: aten.strange_.default is not supported
  at    m (net.py:10), node n0
  why:  this form of writing in place is not supported
  hint: express it with other operations of torch, or move it out of the model
)");
}

TEST(Translate, WhatNeedsAFreeSizeAsANumberIsRefusedWithItsPlace) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2, 2});
  builder.program.values[x].tensor->sizes[0].expr = "Symbol('s0', integer=True)";
  const ValueIndex y = builder.node("aten.cholesky.default", {tensor("self", x)}, {2, 2});
  builder.program.values[y].tensor->sizes[0].expr = "Symbol('s0', integer=True)";
  builder.output(y);
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0204]: aten.cholesky.default: a size that is free is needed as a number
  at    m (net.py:10), node n0
  why:  what it reads has the free size 's0'
  hint: give this axis a fixed size: leave it out of dynamic_shapes
)");
}

TEST(Translate, AWriteIntoAnInputIsNeverDropped) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  const ValueIndex y = builder.node("aten.relu.default", {tensor("self", x)}, {2});
  builder.output(y, "x", OutputKind::kInputMutation);
  builder.output(y);
  EXPECT_EQ(translated(builder.program).errors,
            "error[E0901]: the write into input 'x' is left over\n");
}

TEST(Translate, SeveralOutputsGetNumbersAndConstantsAmongThemAreLeftOut) {
  ProgramBuilder builder;
  const ValueIndex x = builder.input("x", {2});
  builder.output(x);
  builder.program.outputs.push_back({OutputKind::kUser, {None{}}, ""});
  builder.output(builder.node("aten.relu.default", {tensor("self", x)}, {2}));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%x: f32[2]) {
  %n0 = relu(%x): f32[2]
  return output_0=%x, output_2=%n0
}
)");
}

}  // namespace
}  // namespace ferryman::frontend
