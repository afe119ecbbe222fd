#include <gtest/gtest.h>

#include <algorithm>

#include "ops/families.h"
#include "targets/tflite/format/sample_model.h"
#include "targets/tflite/lower/lower_table.h"
#include "targets/tflite/runtime/legality.h"
#include "targets/tflite/runtime/output_table.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {
namespace {

std::string complaints(const Model& model) {
  const Diagnostics found = verify_outputs(model);
  std::string text;
  for (const Diag& diag : found.all()) text += diag.what + "\n";
  return text;
}

Tensor typed(TensorType type, std::vector<int32_t> shape) {
  return {.name = "t", .type = type, .shape = std::move(shape)};
}
Tensor x(std::vector<int32_t> shape) {
  return f32("x", std::move(shape));
}
// Shapes, axes, permutations; one number is a scalar.
Tensor ints(const std::vector<int32_t>& values) {
  return constant_i32("n", {static_cast<int32_t>(values.size())}, values);
}
Tensor number(int32_t value) {
  return constant_i32("n", {}, {value});
}

struct Case {
  Op op;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;  // what the kernel makes
  Options options = {};
};

Model model_of(const Case& one) {
  return one_op_model({.op = one.op, .options = one.options}, one.inputs, one.outputs);
}

// One or more of each family of rules, as they should be.
std::vector<Case> sound_cases() {
  const Tensor condition = typed(TensorType::kBool, {2, 3});
  const Tensor positions = typed(TensorType::kInt32, {5});
  return {
      {Op::kRelu, {x({2, 3})}, {x({2, 3})}},
      {Op::kAdd, {x({2, 1, 3}), x({4, 1})}, {x({2, 4, 3})}},
      {Op::kLess, {x({2, 3}), x({})}, {condition}},
      {Op::kSelectV2, {condition, x({3}), x({})}, {x({2, 3})}},
      {Op::kCast,
       {x({2})},
       {typed(TensorType::kInt32, {2})},
       CastOptions{.out_data_type = TensorType::kInt32}},
      {Op::kBitcast, {x({2})}, {typed(TensorType::kInt8, {2, 4})}},
      {Op::kReshape, {x({2, 6}), ints({3, -1})}, {x({3, 4})}},
      {Op::kTranspose, {x({2, 3, 4}), ints({2, 0, 1})}, {x({4, 2, 3})}},
      {Op::kSlice, {x({4, 5}), ints({1, 2}), ints({3, -1})}, {x({3, 3})}},
      {Op::kStridedSlice,
       {x({7, 5}), ints({1, -1}), ints({7, 0}), ints({2, 1})},
       {x({3, 5})},
       StridedSliceOptions{.begin_mask = 2, .end_mask = 2}},
      {Op::kPad, {x({2, 3}), constant_i32("p", {2, 2}, {1, 0, 2, 2})}, {x({3, 7})}},
      {Op::kTile, {x({2, 3}), ints({2, 3})}, {x({4, 9})}},
      {Op::kBroadcastTo, {x({3, 1}), ints({2, 3, 4})}, {x({2, 3, 4})}},
      {Op::kReverseV2, {x({2, 3}), ints({1})}, {x({2, 3})}},
      {Op::kDynamicUpdateSlice, {x({4, 3}), x({1, 3}), ints({2, 0})}, {x({4, 3})}},
      {Op::kDepthToSpace, {x({1, 2, 3, 8})}, {x({1, 4, 6, 2})}, DepthToSpaceOptions{2}},
      {Op::kSpaceToDepth, {x({1, 4, 6, 2})}, {x({1, 2, 3, 8})}, SpaceToDepthOptions{2}},
      {Op::kConcatenation, {x({2, 3}), x({2, 4})}, {x({2, 7})}, ConcatenationOptions{.axis = -1}},
      {Op::kPack, {x({3}), x({3})}, {x({3, 2})}, PackOptions{.values_count = 2, .axis = 1}},
      {Op::kUnpack, {x({2, 3})}, {x({3}), x({3})}, UnpackOptions{.num = 2}},
      {Op::kSplit, {number(1), x({2, 6})}, {x({2, 3}), x({2, 3})}, SplitOptions{2}},
      {Op::kSplitV, {x({2, 6}), ints({2, 4}), number(1)}, {x({2, 2}), x({2, 4})}, SplitVOptions{2}},
      {Op::kGather, {x({2, 7, 3}), positions}, {x({2, 5, 3})}, GatherOptions{.axis = 1}},
      {Op::kScatterNd, {typed(TensorType::kInt32, {5, 1}), x({5, 3}), ints({8, 3})}, {x({8, 3})}},
      {Op::kUnsortedSegmentMax, {x({5, 3}), positions, number(2)}, {x({2, 3})}},
      {Op::kTopkV2, {x({2, 9}), number(4)}, {x({2, 4}), typed(TensorType::kInt32, {2, 4})}},
      {Op::kArgMax,
       {x({2, 9}), number(-1)},
       {typed(TensorType::kInt32, {2})},
       ArgMaxOptions{TensorType::kInt32}},
      {Op::kNonMaxSuppressionV4,
       {x({9, 4}), x({9}), number(9), x({}), x({})},
       {typed(TensorType::kInt32, {9}), typed(TensorType::kInt32, {})}},
      {Op::kFill, {ints({2, 3}), x({})}, {x({2, 3})}},
      {Op::kSum, {x({2, 3, 4}), ints({0, 2})}, {x({3})}},
      {Op::kMean, {x({2, 3, 4}), ints({1})}, {x({2, 1, 4})}, ReducerOptions{.keep_dims = true}},
      {Op::kFullyConnected, {x({2, 3, 4}), x({5, 4}), x({5})}, {x({6, 5})}},
      {Op::kBatchMatmul,
       {x({7, 1, 2, 3}), x({6, 4, 3})},
       {x({7, 6, 2, 4})},
       BatchMatMulOptions{.adj_y = true}},
      {Op::kConv2d,
       {x({1, 8, 9, 4}), x({6, 3, 3, 2}), x({6})},
       {x({1, 3, 4, 6})},
       Conv2DOptions{.padding = Padding::kValid, .stride_w = 2, .stride_h = 2}},
      {Op::kDepthwiseConv2d,
       {x({1, 8, 9, 4}), x({1, 3, 3, 8}), x({8})},
       {x({1, 8, 9, 8})},
       DepthwiseConv2DOptions{.depth_multiplier = 2}},
      {Op::kConv3d,
       {x({1, 4, 5, 6, 2}), x({2, 3, 3, 2, 7}), x({7})},
       {x({1, 3, 3, 4, 7})},
       Conv3DOptions{.padding = Padding::kValid}},
      {Op::kTransposeConv,
       {ints({1, 9, 9, 3}), x({3, 3, 3, 2}), x({1, 4, 4, 2})},
       {x({1, 9, 9, 3})},
       TransposeConvOptions{.padding = Padding::kValid, .stride_w = 2, .stride_h = 2}},
      {Op::kMaxPool2d,
       {x({1, 7, 7, 3})},
       {x({1, 4, 4, 3})},
       Pool2DOptions{.stride_w = 2, .stride_h = 2, .filter_width = 3, .filter_height = 3}},
      {Op::kResizeBilinear, {x({1, 4, 4, 3}), ints({8, 6})}, {x({1, 8, 6, 3})}},
  };
}

TEST(VerifyOutputs, SoundOperatorsHaveNoComplaint) {
  for (const Case& one : sound_cases())
    EXPECT_EQ(complaints(model_of(one)), "") << to_string(one.op);
}

TEST(VerifyOutputs, AnotherExtentRankOrTypeIsFoundForEveryFamily) {
  for (const Case& one : sound_cases()) {
    for (size_t output = 0; output < one.outputs.size(); ++output) {
      Case longer = one;
      longer.outputs[output].shape.push_back(1);
      EXPECT_NE(complaints(model_of(longer)), "") << to_string(one.op);
      Case larger = one;
      if (!larger.outputs[output].shape.empty()) {
        ++larger.outputs[output].shape.back();
        EXPECT_NE(complaints(model_of(larger)), "") << to_string(one.op);
      }
      Case typed_otherwise = one;
      typed_otherwise.outputs[output].type = TensorType::kUint32;
      EXPECT_NE(complaints(model_of(typed_otherwise)), "") << to_string(one.op);
    }
  }
}

TEST(VerifyOutputs, MoreOrFewerOperandsAreFound) {
  for (const Case& one : sound_cases()) {
    Case fewer = one;
    fewer.inputs.clear();
    EXPECT_NE(complaints(model_of(fewer)), "") << to_string(one.op);
    Case more = one;
    more.outputs.push_back(x({}));
    EXPECT_NE(complaints(model_of(more)), "") << to_string(one.op);
  }
}

TEST(VerifyOutputs, SaysWhatIsMadeAndWhatIsDeclared) {
  EXPECT_EQ(
      complaints(model_of(
          {Op::kDepthToSpace, {x({8, 8, 2, 8})}, {x({1, 16, 16, 4})}, DepthToSpaceOptions{2}})),
      "DEPTH_TO_SPACE (operator 0 of 'main') makes FLOAT32[8, 16, 4, 2] where FLOAT32[1, 16, "
      "16, 4] is declared\n");
}

TEST(VerifyOutputs, OperandsThatDoNotFitTogether) {
  const auto complaint = [](Case one) {
    const std::string text = complaints(model_of(one));
    const size_t begin = text.find(") ") + 2;
    return text.substr(begin, text.size() - begin - 1);
  };
  EXPECT_EQ(complaint({Op::kAdd, {x({2, 3}), x({2})}, {x({2, 3})}}),
            "has operands that do not broadcast");
  EXPECT_EQ(complaint({Op::kReshape, {x({2, 3}), ints({7})}, {x({7})}}),
            "has another number of elements than its input");
  EXPECT_EQ(complaint({Op::kSlice, {x({4}), ints({2}), ints({3})}, {x({3})}}),
            "reaches outside its input");
  EXPECT_EQ(complaint({Op::kConcatenation,
                       {x({2, 3}), x({3, 3})},
                       {x({2, 6})},
                       ConcatenationOptions{.axis = 1}}),
            "joins tensors that differ along another axis");
  EXPECT_EQ(complaint({Op::kGather, {x({2}), x({1})}, {x({1})}, GatherOptions{.axis = 1}}),
            "names an axis outside its input");
  EXPECT_EQ(complaint({Op::kFullyConnected, {x({2, 3}), x({5, 4})}, {x({2, 5})}}),
            "has an input that does not fill rows of its weight");
  EXPECT_EQ(complaint({Op::kBatchMatmul, {x({2, 3}), x({4, 5})}, {x({2, 5})}}),
            "has factors that do not fit together");
  EXPECT_EQ(complaint({Op::kConv2d, {x({1, 4, 4, 3}), x({8, 1, 1, 2})}, {x({1, 4, 4, 8})}}),
            "has a kernel for another number of channels");
  EXPECT_EQ(
      complaint({Op::kSpaceToDepth, {x({1, 5, 4, 3})}, {x({1, 2, 2, 12})}, SpaceToDepthOptions{2}}),
      "has sides that blocks do not fill");
}

TEST(VerifyOutputs, ExtentsThatOnlyRunningTellsAreOpen) {
  Tensor cut = x({4});
  cut.shape_signature = {-1};
  const Tensor size = typed(TensorType::kInt32, {1});
  EXPECT_EQ(complaints(model_of({Op::kSlice, {x({4}), ints({0}), size}, {cut}})), "");
  const Tensor begin = typed(TensorType::kInt32, {2});
  Tensor rows_cut = x({3, 5});
  rows_cut.shape_signature = {3, -1};
  EXPECT_EQ(complaints(model_of({Op::kSlice, {x({4, 5}), begin, ints({3, -1})}, {rows_cut}})), "");
  EXPECT_EQ(complaints(model_of({Op::kSlice, {x({4, 5}), begin, ints({2, -1})}, {rows_cut}})),
            "SLICE (operator 0 of 'main') makes FLOAT32[2, -1] where FLOAT32[3, 5] is declared\n");
  EXPECT_EQ(complaints(model_of({Op::kWhere, {x({4})}, {typed(TensorType::kInt64, {9, 1})}})), "");
  EXPECT_EQ(complaints(model_of({Op::kWhere, {x({4})}, {typed(TensorType::kInt64, {9, 2})}})),
            "WHERE (operator 0 of 'main') makes INT64[-1, 1] where INT64[9, 2] is declared\n");
}

TEST(VerifyOutputs, GraphsThatOperatorsCallAreCheckedToo) {
  Model model = sample_model();
  Subgraph& body = model.subgraphs.emplace_back(Subgraph{.name = "body"});
  body.inputs = {body.add(x({2, 3}))};
  body.outputs = {body.add(x({3, 3}))};
  body.operators = {{.op = Op::kTanh, .inputs = {0}, .outputs = {1}}};
  EXPECT_EQ(complaints(model),
            "TANH (operator 0 of 'body') makes FLOAT32[2, 3] where FLOAT32[3, 3] is declared\n");
}

TEST(VerifyOutputs, TheUsersPlaceIsTold) {
  Model model = model_of({Op::kTanh, {x({2})}, {x({3})}});
  model.places = {{}, {"net.act", "", "", "model.py", 7}};
  model.subgraphs[0].operators[0].location = 1;
  const Diagnostics found = verify_model(model);
  ASSERT_EQ(found.all().size(), 1u);
  EXPECT_EQ(render(found.all()[0]),
            "error[E0901]: TANH (operator 0 of 'main') makes FLOAT32[2] where FLOAT32[3] is "
            "declared\n  at    net.act (model.py:7)");
}

TEST(VerifyOutputs, ACopyWithoutAPlaceTellsThatOfWhatItCopies) {
  Model model = one_op_model({.op = Op::kTanh, .location = 0}, {x({2, 3})}, {x({2, 3})});
  model.places = {{"net.act", "", "", "", 0}};
  Subgraph& main = model.subgraphs[0];
  const TensorIndex perm = main.add(ints({1, 0}));
  const TensorIndex turned = main.add(x({2, 3}));
  main.operators.push_back({.op = Op::kTranspose, .inputs = {1, perm}, .outputs = {turned}});
  const Diagnostics found = verify_outputs(model);
  ASSERT_EQ(found.all().size(), 1u);
  ASSERT_EQ(found.all()[0].places.size(), 1u);
  EXPECT_EQ(found.all()[0].places[0].module_path, "net.act");
}

TEST(OutputTable, EveryRegisteredOperatorHasARowOrIsListedWithoutOne) {
  const std::span<const Op> without = ops_without_output_row();
  for (int32_t code = 0; code < kNumOps; ++code) {
    const Op op = *op_from_code(code);
    if (op == Op::kCustom) continue;
    const bool is_listed = std::find(without.begin(), without.end(), op) != without.end();
    EXPECT_EQ(is_registered(op), is_listed || output_row(op) != nullptr) << to_string(op);
    EXPECT_FALSE(is_listed && output_row(op) != nullptr) << to_string(op);
  }
}

TEST(OutputTable, EveryOperatorOfTheCoreOpsHasARow) {
  Ops ops;
  add_all_ops(ops);
  size_t found = 0;
  for (const OpDef& def : ops.set.all()) {
    const LoweringRow* row = find_lowering(def);
    if (row == nullptr || !row->kernel.has_value()) continue;
    ++found;
    EXPECT_NE(output_row(*row->kernel), nullptr) << def.name;
  }
  EXPECT_GT(found, 30u);
}

}  // namespace
}  // namespace ferryman::tflite
