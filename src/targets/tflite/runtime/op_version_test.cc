#include "targets/tflite/runtime/op_version.h"

#include <gtest/gtest.h>

#include "targets/tflite/format/sample_model.h"
#include "targets/tflite/runtime/runtime_version.h"

namespace ferryman::tflite {
namespace {

Tensor typed(TensorType type, std::vector<int32_t> shape) {
  return {.name = "t", .type = type, .shape = std::move(shape)};
}
Tensor quantised(TensorType type, std::vector<int32_t> shape, std::vector<float> scale) {
  Tensor tensor = typed(type, std::move(shape));
  std::vector<int64_t> zero_point(scale.size());
  tensor.quantization = Quantization{std::move(scale), std::move(zero_point), 0};
  return tensor;
}

int32_t version_of(Op op, std::vector<Tensor> inputs, Options options = {}) {
  Tensor output = inputs.front();
  const Model model = one_op_model({.op = op, .options = std::move(options)}, std::move(inputs),
                                   {std::move(output)});
  return op_version(model.subgraphs[0].operators[0], model.subgraphs[0]);
}

TEST(OpVersion, FloatOperatorsNeedTheFirst) {
  EXPECT_EQ(version_of(Op::kAdd, {f32("a", {2}), f32("b", {2})}), 1);
  EXPECT_EQ(version_of(Op::kSoftmax, {f32("a", {2})}), 1);
  EXPECT_EQ(
      version_of(Op::kConv2d, {f32("x", {1, 4, 4, 3}), f32("w", {8, 3, 3, 3}), f32("b", {8})}), 1);
  EXPECT_EQ(version_of(Op::kBroadcastTo, {f32("x", {1}), f32("s", {2})}), 2);
}

TEST(OpVersion, ElementTypesRaiseIt) {
  EXPECT_EQ(version_of(Op::kAdd, {typed(TensorType::kInt64, {2}), typed(TensorType::kInt64, {2})}),
            4);
  EXPECT_EQ(version_of(Op::kAdd, {typed(TensorType::kInt16, {2}), typed(TensorType::kInt16, {2})}),
            5);
  EXPECT_EQ(version_of(Op::kLogistic, {quantised(TensorType::kInt8, {2}, {1.0f})}), 2);
  EXPECT_EQ(version_of(Op::kLogistic, {quantised(TensorType::kInt16, {2}, {1.0f})}), 3);
  EXPECT_EQ(version_of(Op::kWhere, {typed(TensorType::kBool, {2})}), 1);
  EXPECT_EQ(version_of(Op::kWhere, {f32("x", {2})}), 2);
  EXPECT_EQ(version_of(Op::kMul, {quantised(TensorType::kInt8, {2}, {1.0f}),
                                  quantised(TensorType::kInt8, {2}, {0.5f})}),
            2);
}

TEST(OpVersion, RankAndBroadcastingRaiseIt) {
  EXPECT_EQ(version_of(Op::kTranspose, {f32("x", {1, 1, 1, 1})}), 1);
  EXPECT_EQ(version_of(Op::kTranspose, {f32("x", {1, 1, 1, 1, 1})}), 4);
  EXPECT_EQ(version_of(Op::kTranspose, {f32("x", {1, 1, 1, 1, 1, 1})}), 6);
  EXPECT_EQ(version_of(Op::kSub, {f32("a", {1, 1, 1, 1, 2}), f32("b", {1, 1, 1, 1, 2})}), 1);
  EXPECT_EQ(version_of(Op::kSub, {f32("a", {1, 1, 1, 1, 2}), f32("b", {2})}), 3);
}

TEST(OpVersion, OptionsRaiseIt) {
  const std::vector<Tensor> dense = {f32("x", {2, 4}), f32("w", {3, 4}), f32("b", {3})};
  EXPECT_EQ(version_of(Op::kFullyConnected, dense), 1);
  EXPECT_EQ(version_of(Op::kFullyConnected, dense, FullyConnectedOptions{.keep_num_dims = true}),
            5);
  EXPECT_EQ(version_of(Op::kFullyConnected, {dense[0], dense[1]}), 6);
  EXPECT_EQ(version_of(Op::kGather, {f32("x", {2, 4}), typed(TensorType::kInt32, {2})},
                       GatherOptions{.axis = 1, .batch_dims = 1}),
            5);
  EXPECT_EQ(version_of(Op::kResizeBilinear, {f32("x", {1, 2, 2, 1})},
                       ResizeBilinearOptions{.half_pixel_centers = true}),
            3);
}

TEST(OpVersion, ConvolutionsAreToldApartByWeightAndGroups) {
  const Tensor x = f32("x", {1, 4, 4, 4});
  const Tensor bias = f32("b", {8});
  EXPECT_EQ(version_of(Op::kConv2d, {x, f32("w", {8, 3, 3, 2}), bias}), 6);
  EXPECT_EQ(version_of(Op::kConv2d, {x, quantised(TensorType::kInt8, {8, 3, 3, 4}, {1.0f}), bias}),
            2);
  const std::vector<float> scales(8, 1.0f);
  EXPECT_EQ(version_of(Op::kConv2d, {x, quantised(TensorType::kInt8, {8, 3, 3, 4}, scales), bias}),
            5);
}

TEST(RuntimeVersion, FollowsOperatorsAndVersions) {
  EXPECT_EQ(to_string(min_runtime_version(Op::kAdd, 1)), "1.5.0");
  EXPECT_EQ(to_string(min_runtime_version(Op::kConv2d, 6)), "2.9.0");
  EXPECT_EQ(to_string(min_runtime_version(Op::kRelu0To1, 1)), "2.10.0");
  EXPECT_EQ(to_string(min_runtime_version(Op::kBitcast, 1)), "2.13.0");
  EXPECT_EQ(to_string(runtime_need(sample_model())), "1.5.0");
}

TEST(RuntimeVersion, VersionsNewerThanTheTableCountAsItsLast) {
  EXPECT_EQ(min_runtime_version(Op::kGelu, 9), min_runtime_version(Op::kGelu, 2));
}

TEST(RuntimeVersion, NamesTheOperatorsThatAskForTheRelease) {
  Model model = sample_model();
  Subgraph& main = model.subgraphs.front();
  const TensorIndex x = main.add(f32("x", {2, 3, 1, 1, 4}));
  const TensorIndex y = main.add(f32("y", {3, 2, 1, 1, 4}));
  main.operators.push_back({.op = Op::kTranspose, .inputs = {x}, .outputs = {y}});
  main.operators.push_back({.op = Op::kBatchMatmul, .inputs = {x, x}, .outputs = {y}});
  EXPECT_EQ(to_string(runtime_need(model)), "2.3.0 (BATCH_MATMUL, TRANSPOSE (version 4))");
}

}  // namespace
}  // namespace ferryman::tflite
