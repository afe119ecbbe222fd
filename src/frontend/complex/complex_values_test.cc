#include "frontend/complex/complex_values.h"

#include <gtest/gtest.h>

#include <cmath>

#include "frontend/program_for_test.h"

namespace ferryman::frontend {
namespace {

using Number = std::complex<double>;

TEST(ParseComplex, ReadsWhatTheProgramSpells) {
  EXPECT_EQ(parse_complex("(1, -2)"), Number(1, -2));
  EXPECT_EQ(parse_complex("(0.5, 1e-10)"), Number(0.5, 1e-10));
  EXPECT_EQ(parse_complex("(inf, -inf)"), Number(HUGE_VAL, -HUGE_VAL));
}

TEST(ParseComplex, RefusesAnythingElse) {
  for (const char* text : {"", "()", "(1)", "(1, )", "(1, 2", "1, 2", "(1, 2x)", "(1,2)"})
    EXPECT_EQ(parse_complex(text), std::nullopt) << text;
}

TEST(TranslateComplex, InputsAndOutputsArePairsAndLinearOpsRunOnTheParts) {
  ProgramBuilder builder;
  const ValueIndex z = builder.input("z", {2}, DType::kC64);
  builder.output(builder.node("aten.neg.default", {tensor("self", z)}, {2}, DType::kC64));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%z: f32[2, 2]) {
  %0 = slice(%z) {starts=[0, 0], ends=[2, 1], steps=[1, 1]}: f32[2, 1]
  %z.real = reshape(%0) {shape=[2]}: f32[2]
  %1 = slice(%z) {starts=[0, 1], ends=[2, 2], steps=[1, 1]}: f32[2, 1]
  %z.imag = reshape(%1) {shape=[2]}: f32[2]
  %n0.real = neg(%z.real): f32[2]
  %n0.imag = neg(%z.imag): f32[2]
  %2 = reshape(%n0.real) {shape=[2, 1]}: f32[2, 1]
  %3 = reshape(%n0.imag) {shape=[2, 1]}: f32[2, 1]
  %n0 = concat(%2, %3) {axis=1}: f32[2, 2]
  return output=%n0
}
)");
}

TEST(TranslateComplex, ARealFactorMultipliesEachPartOnce) {
  ProgramBuilder builder;
  const ValueIndex pair = builder.input("pair", {3, 2});
  const ValueIndex x = builder.input("x", {3});
  const ValueIndex z =
      builder.node("aten.view_as_complex.default", {tensor("self", pair)}, {3}, DType::kC64);
  const ValueIndex y =
      builder.node("aten.mul.Tensor", {tensor("self", x), tensor("other", z)}, {3}, DType::kC64);
  builder.output(builder.node("aten.imag.default", {tensor("self", y)}, {3}));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%pair: f32[3, 2], %x: f32[3]) {
  %0 = slice(%pair) {starts=[0, 1], ends=[3, 2], steps=[1, 1]}: f32[3, 1]
  %n0.imag = reshape(%0) {shape=[3]}: f32[3]
  %n1.imag = mul(%x, %n0.imag): f32[3]
  return output=%n1.imag
}
)");
}

TEST(TranslateComplex, ATensorViewedAsComplexAndBackIsItself) {
  ProgramBuilder builder;
  const ValueIndex pair = builder.input("pair", {3, 2});
  const ValueIndex z =
      builder.node("aten.view_as_complex.default", {tensor("self", pair)}, {3}, DType::kC64);
  builder.output(builder.node("aten.view_as_real.default", {tensor("self", z)}, {3, 2}));
  EXPECT_EQ(translated(builder.program).graph, R"(graph @main(%pair: f32[3, 2]) {
  return output=%pair
}
)");
}

TEST(TranslateComplex, AnOpWithoutAComplexFormIsRefused) {
  ProgramBuilder builder;
  const ValueIndex z = builder.input("z", {2}, DType::kC64);
  builder.output(builder.node("aten.atan.default", {tensor("self", z)}, {2}, DType::kC64));
  EXPECT_EQ(translated(builder.program).errors,
            R"(error[E0203]: aten.atan.default is not supported
  at    m (net.py:10), node n0
  why:  it has no form for complex numbers
)");
}

TEST(TranslateComplex, AResultThatTheProgramCallsRealMustNotBeComplex) {
  ProgramBuilder builder;
  const ValueIndex z = builder.input("z", {2}, DType::kC64);
  builder.output(builder.node("aten.sgn.default", {tensor("self", z)}, {2}));
  EXPECT_EQ(
      translated(builder.program).errors,
      R"(error[E0301]: aten.sgn.default gives complex numbers, but the program records float32[2]
  at    m (net.py:10), node n0
)");
}

}  // namespace
}  // namespace ferryman::frontend
