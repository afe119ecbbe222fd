#include "targets/tflite/runtime/legality.h"

#include <gtest/gtest.h>

#include <array>

#include "targets/tflite/format/sample_model.h"

namespace ferryman::tflite {
namespace {

Legality legal(Op op, TypeKey type, int rank) {
  const std::array<int, 1> ranks = {rank};
  return check_legal(op, type, ranks);
}

Legality legal(Op op, std::vector<Tensor> inputs, Tensor output) {
  const Model model = one_op_model({.op = op}, std::move(inputs), {std::move(output)});
  return check_legal({model.subgraphs[0].operators[0], model.subgraphs[0]});
}

Tensor quantised(TensorType type, std::vector<int32_t> shape, size_t num_scales) {
  return {.name = "q",
          .type = type,
          .shape = std::move(shape),
          .quantization =
              Quantization{std::vector<float>(num_scales, 1.0f), std::vector<int64_t>(num_scales)}};
}

TEST(Legality, ElementTypes) {
  EXPECT_EQ(legal(Op::kAdd, TypeKey::kF32, 4), (Legality{Verdict::kAccepted, true}));
  EXPECT_EQ(legal(Op::kAdd, TypeKey::kI64, 4), (Legality{Verdict::kAccepted, false}));
  EXPECT_EQ(legal(Op::kAdd, TypeKey::kI8, 4), (Legality{Verdict::kCrash, false}));
  EXPECT_EQ(legal(Op::kMul, TypeKey::kI8, 4), (Legality{Verdict::kWrong, false}));
  EXPECT_EQ(legal(Op::kDiv, TypeKey::kI64, 4), (Legality{Verdict::kRefused, false}));
  EXPECT_EQ(legal(Op::kGather, TypeKey::kF32, 4), (Legality{Verdict::kAccepted, false}));
}

TEST(Legality, Ranks) {
  EXPECT_EQ(legal(Op::kTranspose, TypeKey::kF32, 6), (Legality{Verdict::kAccepted, true}));
  EXPECT_EQ(legal(Op::kTranspose, TypeKey::kF32, 7), (Legality{Verdict::kAccepted, false}));
  EXPECT_EQ(legal(Op::kPad, TypeKey::kF32, 6), (Legality{Verdict::kRefused, true}));
  EXPECT_EQ(legal(Op::kAveragePool2d, TypeKey::kF32, 3), (Legality{Verdict::kRefused, false}));
  EXPECT_EQ(legal(Op::kTranspose, TypeKey::kF32, 9), (Legality{Verdict::kUntried, false}));
}

TEST(Legality, CombinationsOfTypes) {
  const Tensor x = f32("x", {1, 4, 4, 3});
  const Tensor y = f32("y", {1, 4, 4, 8});
  EXPECT_EQ(legal(Op::kConv2d, {x, f32("w", {8, 3, 3, 3}), f32("b", {8})}, y),
            (Legality{Verdict::kAccepted, true}));
  const Tensor w8 = quantised(TensorType::kInt8, {8, 3, 3, 3}, 8);
  EXPECT_EQ(legal(Op::kConv2d, {x, w8, f32("b", {8})}, y), (Legality{Verdict::kAccepted, true}));
  const Tensor w8_tensor = quantised(TensorType::kInt8, {1, 3, 3, 3}, 1);
  EXPECT_EQ(legal(Op::kDepthwiseConv2d, {x, w8_tensor, f32("b", {3})}, x),
            (Legality{Verdict::kWrong, false}));
  EXPECT_EQ(legal(Op::kQuantize, {f32("x", {2})}, quantised(TensorType::kInt8, {2}, 1)),
            (Legality{Verdict::kAccepted, true}));
}

TEST(Legality, CastIsJudgedByItsResultToo) {
  const Tensor i32 = {.name = "i", .type = DType::kI32, .shape = {2}};
  const Tensor u64 = {.name = "u", .type = DType::kU64, .shape = {2}};
  EXPECT_EQ(legal(Op::kCast, {i32}, f32("y", {2})).verdict, Verdict::kAccepted);
  EXPECT_EQ(legal(Op::kCast, {i32}, u64).verdict, Verdict::kRefused);
}

TEST(Legality, OperatorsThatTheRuntimeLacks) {
  EXPECT_FALSE(is_registered(Op::kStablehloTanh));
  EXPECT_FALSE(is_registered(Op::kCall));
  EXPECT_TRUE(is_registered(Op::kStablehloAnd));
  EXPECT_TRUE(is_registered(Op::kCustom));
  EXPECT_EQ(max_registered_version(Op::kFullyConnected), 14);
}

}  // namespace
}  // namespace ferryman::tflite
