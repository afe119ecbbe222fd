#include <cmath>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/product/einsum.h"
#include "ops/row_test.h"

namespace ferryman {
namespace {

using Values = std::vector<double>;

TEST(Matmul, BroadcastsLeadingAxes) {
  const TensorData a = TensorData::of<float>({2, 1, 1, 2}, {1, 2, 3, 4});
  const TensorData b = TensorData::of<float>({2, 2, 1}, {1, 10, 2, 20});
  EXPECT_EQ(evaluate_row(ops::kMatmul, {a, b}), (Values{21, 42, 43, 86}));
}

TEST(Matmul, KeepsLargeIntegersExact) {
  const int64_t large = (int64_t{1} << 60) + 1;
  const TensorData a = TensorData::of<int64_t>({1, 1}, {large});
  const TensorData b = TensorData::of<int64_t>({1, 1}, {1});
  Ops ops;
  add_all_ops(ops);
  const std::vector<const TensorData*> operands = {&a, &b};
  const std::vector<TensorType> types = {{DType::kI64, {Dim(1), Dim(1)}}};
  const OpDef& def = ops.set.get(ops::kMatmul);
  const auto results = def.eval(EvalArgs{operands, AttrsView(def, {}), types});
  ASSERT_TRUE(results.ok());
  EXPECT_EQ(results->front().to_ints(), Ints{large});
}

TEST(Matmul, OfNoInnerElementsIsZero) {
  EXPECT_EQ(evaluate_row(ops::kMatmul, {iota({2, 0}), iota({0, 2})}), (Values{0, 0, 0, 0}));
}

TEST(Linear, AddsBiasToEachRow) {
  const TensorData x = TensorData::of<float>({2, 1, 2}, {1, 2, 3, 4});
  const TensorData weight = TensorData::of<float>({3, 2}, {1, 0, 0, 1, 1, 1});
  const TensorData bias = TensorData::of<float>({3}, {0, 10, 100});
  EXPECT_EQ(evaluate_row(ops::kLinear, {x, weight, bias}), (Values{1, 12, 103, 3, 14, 107}));
}

TEST(Einsum, EllipsisAlignsAtTheRight) {
  const Result<EinsumEquation> equation = parse_einsum("...ij,...jk->...ik", {4, 3});
  ASSERT_TRUE(equation.ok());
  EXPECT_EQ(equation->operands, (std::vector<Labels>{{129, 128, 'i', 'j'}, {128, 'j', 'k'}}));
  EXPECT_EQ(equation->result, (Labels{129, 128, 'i', 'k'}));
}

TEST(Einsum, ImplicitResultIsAlphabetical) {
  const Result<EinsumEquation> equation = parse_einsum("ca,ab", {2, 2});
  ASSERT_TRUE(equation.ok());
  EXPECT_EQ(equation->result, (Labels{'b', 'c'}));
}

TEST(Einsum, RefusesTermsThatDoNotFitTheirTensor) {
  EXPECT_EQ(parse_einsum("ij,jk->ik", {3, 2}).diag().what, "einsum 'ij' on 3 axes");
  EXPECT_EQ(parse_einsum("i?->i", {2}).diag().what, "'i?' in an einsum equation");
}

TEST(Softmax, IsTakenAlongTheAxis) {
  const float log3 = std::log(3.0F);
  const TensorData x = TensorData::of<float>({2, 2}, {0, 100, log3, 100});
  const Values values = evaluate_row(ops::kSoftmax, {x}, {{attr::kAxis, Axis{0}}});
  EXPECT_NEAR(values[0], 0.25, 1e-7);
  EXPECT_NEAR(values[1], 0.5, 1e-7);
  EXPECT_NEAR(values[2], 0.75, 1e-7);
}

TEST(Cumsum, RunsAlongTheAxis) {
  EXPECT_EQ(evaluate_row(ops::kCumsum, {iota({2, 3})}, {{attr::kAxis, Axis{1}}}),
            (Values{0, 1, 3, 3, 7, 12}));
  EXPECT_EQ(evaluate_row(ops::kCumsum, {iota({2, 3})}, {{attr::kAxis, Axis{0}}}),
            (Values{0, 1, 2, 3, 5, 7}));
}

TEST(GroupNorm, ScalesByChannelWithinGroups) {
  const TensorData x = TensorData::of<float>({1, 4, 1}, {1, 3, 10, 30});
  const TensorData weight = TensorData::of<float>({4}, {1, 2, 3, 4});
  const TensorData bias = TensorData::of<float>({4}, {0, 0, 100, 0});
  EXPECT_EQ(evaluate_row(ops::kGroupNorm, {x, weight, bias},
                         {{attr::kGroups, int64_t{2}}, {attr::kEps, 0.0}}),
            (Values{-1, 2, 97, 4}));
}

TEST(RmsNorm, DoesNotCentre) {
  const TensorData x = TensorData::of<float>({1, 2}, {3, 3});
  EXPECT_EQ(evaluate_row(ops::kRmsNorm, {x}, {{attr::kAxes, Axes{{1}}}, {attr::kEps, 0.0}}),
            (Values{1, 1}));
}

TEST(LayerNorm, NormalisesTheLastAxesOnly) {
  EXPECT_EQ(refused_row(ops::kLayerNorm, {iota({2, 3, 4})},
                        {{attr::kAxes, Axes{{1}}}, {attr::kEps, 0.0}}),
            "layer_norm: the normalised axes are not the last ones");
}

TEST(BatchNorm, UsesTheGivenStatistics) {
  const TensorData x = TensorData::of<float>({1, 2, 2}, {1, 3, 5, 7});
  const TensorData mean = TensorData::of<float>({2}, {1, 5});
  const TensorData variance = TensorData::of<float>({2}, {3, 0});
  EXPECT_EQ(evaluate_row(ops::kBatchNorm, {x, mean, variance}, {{attr::kEps, 1.0}}),
            (Values{0, 1, 0, 2}));
}

TEST(ResizeNearest, FloorAndExactDiffer) {
  const auto resized = [](bool exact) {
    return evaluate_row(ops::kResizeNearest, {iota({1, 1, 5})},
                        {{attr::kResizedTo, ShapeAttr{{3}}}, {attr::kExact, exact}});
  };
  EXPECT_EQ(resized(false), (Values{0, 1, 3}));
  EXPECT_EQ(resized(true), (Values{0, 2, 4}));
}

TEST(ResizeBilinear, ScaleOverridesTheSizes) {
  const auto resized = [](Floats scales, bool align_corners) {
    return evaluate_row(ops::kResizeBilinear, {iota({1, 1, 4})},
                        {{attr::kResizedTo, ShapeAttr{{2}}},
                         {attr::kScales, std::move(scales)},
                         {attr::kAlignCorners, align_corners}});
  };
  EXPECT_EQ(resized({}, false), (Values{0.5, 2.5}));
  EXPECT_EQ(resized({}, true), (Values{0, 3}));
  EXPECT_FLOAT_EQ(static_cast<float>(resized({0.625}, false)[1]), 1.9F);
}

TEST(PixelShuffle, UnshuffleUndoesIt) {
  const TensorData x = iota({1, 4, 1, 2});
  const Values shuffled = evaluate_row(ops::kPixelShuffle, {x}, {{attr::kFactor, int64_t{2}}});
  EXPECT_EQ(shuffled, (Values{0, 2, 1, 3, 4, 6, 5, 7}));
  std::vector<float> floats(shuffled.begin(), shuffled.end());
  EXPECT_EQ(evaluate_row(ops::kPixelUnshuffle, {TensorData::of<float>({1, 1, 2, 4}, floats)},
                         {{attr::kFactor, int64_t{2}}}),
            x.to_doubles());
}

TEST(Ops, RowsAreConsistent) {
  Ops ops;
  add_all_ops(ops);
  EXPECT_EQ(render(ops.set.check(), Severity::kError), "");
}

}  // namespace
}  // namespace ferryman
