#include "targets/tflite/runtime/verify.h"

#include <gtest/gtest.h>

#include "targets/tflite/format/sample_model.h"

namespace ferryman::tflite {
namespace {

// All complaints, one a line.
std::string complaints(const Model& model) {
  const Diagnostics found = verify_model(model);
  std::string text;
  for (const Diag& diag : found.all()) text += diag.what + "\n";
  return text;
}

Tensor typed(DType type, std::vector<int32_t> shape) {
  return {.name = "t", .type = type, .shape = std::move(shape)};
}

TEST(VerifyTflite, SoundModelHasNoComplaint) {
  EXPECT_EQ(complaints(sample_model()), "");
}

TEST(VerifyTflite, OperatorsInTheWrongOrder) {
  Model model = sample_model();
  std::swap(model.subgraphs[0].operators[0], model.subgraphs[0].operators[1]);
  EXPECT_EQ(complaints(model), "ADD (operator 0 of 'main') reads 'conv' before it is made\n");
}

TEST(VerifyTflite, TwoProducersOrAProducedConstant) {
  Model model = sample_model();
  model.subgraphs[0].operators[1].outputs = {3};
  model.subgraphs[0].operators[2].inputs[0] = 3;
  EXPECT_EQ(complaints(model), "ADD (operator 1 of 'main') makes 'conv', which exists already\n");
}

TEST(VerifyTflite, IndicesSizesAndSignatures) {
  Model model = sample_model();
  Subgraph& main = model.subgraphs[0];
  main.operators[2].inputs[1] = 50;
  main.tensors[2].shape = {3};
  main.tensors[0].shape_signature = {-1, 5, 4, 3};
  model.signatures[0].outputs = {{"y", 7}, {"y", 3}};
  model.metadata = {{"min_runtime_version", {}}};
  EXPECT_EQ(complaints(model),
            "tensor 0 'x' has dimension 4 and signature 5\n"
            "tensor 2 'bias' holds 8 bytes where its shape needs 12\n"
            "RESHAPE (operator 2 of 'main') refers to tensor 50, of 8\n"
            "signature 'serving_default' has two outputs 'y'\n"
            "output 'y' of signature 'serving_default' is no output of its graph\n"
            "metadata 'min_runtime_version' is stated by the writer\n");
}

TEST(VerifyTflite, OptionsOfAnotherOperator) {
  Model model = sample_model();
  model.subgraphs[0].operators[0].options = Pool2DOptions{};
  EXPECT_EQ(complaints(model),
            "CONV_2D (operator 0 of 'main') holds the options of another operator\n");
}

TEST(VerifyTflite, SubgraphsOfControlFlowExist) {
  const Model model =
      one_op_model({.op = Op::kIf, .options = IfOptions{0, 7}}, {typed(DType::kBool, {})}, {});
  EXPECT_EQ(complaints(model), "IF (operator 0 of 'main') refers to graph 7, of 1\n");
}

TEST(VerifyTflite, WhatEndsTheProcess) {
  Model model =
      one_op_model({.op = Op::kDepthwiseConv2d}, {f32("x", {1, 4, 4, 3}), f32("w", {1, 3, 3, 3})},
                   {f32("y", {1, 4, 4, 3})});
  EXPECT_EQ(
      complaints(model),
      "DEPTHWISE_CONV_2D (operator 0 of 'main') needs a bias: without one the runtime fails or "
      "crashes\n");
  EXPECT_EQ(
      complaints(one_op_model({.op = Op::kLess}, {typed(DType::kU8, {2}), typed(DType::kU8, {2})},
                              {typed(DType::kBool, {2})})),
      "LESS (operator 0 of 'main') ends the process for u8[rank 1], u8[rank 1]\n");
}

TEST(VerifyTflite, WhatComputesWrongly) {
  Tensor perm = typed(DType::kI64, {2});
  perm.constant = constant_of(std::vector<int64_t>{1, 0});
  EXPECT_EQ(complaints(
                one_op_model({.op = Op::kTranspose}, {f32("x", {2, 3}), perm}, {f32("y", {3, 2})})),
            "TRANSPOSE (operator 0 of 'main') needs an int32 permutation: with int64 it computes "
            "wrongly\n");
  EXPECT_EQ(
      complaints(one_op_model({.op = Op::kAtan2}, {f32("a", {2}), f32("b", {1})}, {f32("y", {2})})),
      "ATAN2 (operator 0 of 'main') neither broadcasts nor checks shapes: they must be equal\n");
  EXPECT_EQ(complaints(one_op_model({.op = Op::kReshape},
                                    {f32("x", {2, 3}), constant_i32("s", {2}, {0, 3})},
                                    {f32("y", {2, 3})})),
            "RESHAPE (operator 0 of 'main') has a 0 or two -1 in its shape, which the kernels read "
            "differently\n");
}

TEST(VerifyTflite, WhatHasNoKernel) {
  EXPECT_EQ(complaints(one_op_model({.op = Op::kStablehloTanh}, {f32("x", {2})}, {f32("y", {2})})),
            "STABLEHLO_TANH (operator 0 of 'main') has no kernel in the CPU runtime\n");
  EXPECT_EQ(
      complaints(one_op_model({.op = Op::kDiv}, {typed(DType::kI64, {2}), typed(DType::kI64, {2})},
                              {typed(DType::kI64, {2})})),
      "DIV (operator 0 of 'main') is refused by the runtime for i64[rank 1], i64[rank 1]\n");
}

}  // namespace
}  // namespace ferryman::tflite
