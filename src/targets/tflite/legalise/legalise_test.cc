#include "targets/tflite/legalise/legalise_test_support.h"

namespace ferryman::tflite {
namespace {

std::vector<NamedAttr> avg_attrs(Ints kernel, Ints stride, Ints padding, bool ceil_mode,
                                 bool count_include_pad, int64_t divisor_override) {
  return {{attr::kKernel, std::move(kernel)},
          {attr::kStride, std::move(stride)},
          {attr::kPaddingBefore, padding},
          {attr::kPaddingAfter, padding},
          {attr::kCeilMode, ceil_mode},
          {attr::kCountIncludePad, count_include_pad},
          {attr::kDivisorOverride, divisor_override}};
}

TEST(LegalisePool, AveragesWithEveryDivisor) {
  for (const bool ceil_mode : {false, true}) {
    for (const bool count_include_pad : {false, true}) {
      for (const int64_t divisor : {0, 5}) {
        expect_legalises(
            {ops::kAvgPool,
             {random_values({2, 3, 7, 8})},
             avg_attrs({3, 2}, {2, 3}, {1, 1}, ceil_mode, count_include_pad, divisor)});
        expect_legalises(
            {ops::kAvgPool,
             {random_values({1, 2, 4, 5, 6})},
             avg_attrs({2, 3, 3}, {2, 2, 1}, {1, 1, 0}, ceil_mode, count_include_pad, divisor)});
        expect_legalises({ops::kAvgPool,
                          {random_values({1, 2, 10})},
                          avg_attrs({4}, {3}, {2}, ceil_mode, count_include_pad, divisor)});
      }
    }
  }
}

std::vector<NamedAttr> max_attrs(Ints kernel, Ints stride, Ints before, Ints after, Ints dilation) {
  return {{attr::kKernel, std::move(kernel)},
          {attr::kStride, std::move(stride)},
          {attr::kPaddingBefore, std::move(before)},
          {attr::kPaddingAfter, std::move(after)},
          {attr::kDilation, std::move(dilation)}};
}

TEST(LegalisePool, MaximumWithPaddingAndDilation) {
  const TensorData x = random_values({2, 3, 7, 8}, 1, -5, -1);
  expect_legalises({ops::kMaxPool, {x}, max_attrs({3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1})});
  expect_legalises({ops::kMaxPool, {x}, max_attrs({2, 3}, {1, 2}, {0, 1}, {1, 2}, {1, 1})});
  expect_legalises({ops::kMaxPool, {x}, max_attrs({2, 3}, {1, 2}, {1, 1}, {1, 1}, {2, 2})});
  expect_legalises({ops::kMaxPool,
                    {random_values({1, 2, 5, 6, 7})},
                    max_attrs({3, 2, 3}, {2, 1, 2}, {1, 0, 1}, {1, 0, 1}, {1, 1, 1})});
}

TEST(LegalisePool, SameWhereItPadsThatWay) {
  const OneOpCase odd = {ops::kMaxPool,
                         {random_values({1, 2, 7, 7})},
                         max_attrs({3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1})};
  EXPECT_EQ(legalise_one(odd).ops, std::vector<std::string>{"max_pool"});
  const OneOpCase even = {ops::kMaxPool,
                          {random_values({1, 2, 8, 8})},
                          max_attrs({3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1})};
  EXPECT_EQ(legalise_one(even).ops, (std::vector<std::string>{"pad", "max_pool"}));
}

TEST(LegalisePool, AdaptiveWindowsEvenAndUneven) {
  for (const OpName op : {ops::kAdaptiveAvgPool, ops::kAdaptiveMaxPool}) {
    for (const Ints& size : {Ints{6, 3}, Ints{5, 4}, Ints{13, 2}, Ints{20, 1}}) {
      expect_legalises({op, {random_values({1, 2, 13, 9})}, {{attr::kOutputSize, size}}});
    }
    expect_legalises({op, {random_values({1, 2, 10})}, {{attr::kOutputSize, Ints{4}}}});
    expect_legalises({op, {random_values({1, 2, 5, 4, 6})}, {{attr::kOutputSize, Ints{2, 3, 4}}}});
  }
}

TEST(LegaliseNorm, EveryNormalisation) {
  const TensorData image = random_values({2, 6, 3, 4});
  const TensorData channels = random_values({6}, 2);
  const TensorData shift = random_values({6}, 3);
  for (const int64_t groups : {1, 2, 3, 6}) {
    const std::vector<NamedAttr> attrs = {{attr::kGroups, groups}, {attr::kEps, 1e-5}};
    expect_legalises({ops::kGroupNorm, {image, channels, shift}, attrs});
    expect_legalises({ops::kGroupNorm, {image}, attrs});
    expect_legalises({ops::kGroupNorm, {random_values({4, 6}), channels, shift}, attrs});
  }
  const std::vector<NamedAttr> last = {{attr::kAxes, Axes{{2, 3}}}, {attr::kEps, 1e-5}};
  const TensorData rows = random_values({3, 4}, 4);
  expect_legalises({ops::kLayerNorm, {image, rows, random_values({3, 4}, 5)}, last});
  expect_legalises({ops::kRmsNorm, {image, rows}, last});
  const TensorData variance = random_values({6}, 6, 0.5, 2);
  for (const Ints& shape : {Ints{2, 6}, Ints{2, 6, 3}, Ints{2, 6, 3, 4}, Ints{1, 6, 2, 2, 2}}) {
    expect_legalises({ops::kBatchNorm,
                      {random_values(shape), channels, variance, shift, channels},
                      {{attr::kEps, 1e-3}}});
  }
}

TEST(LegaliseNorm, LargeMeansKeepTheirPrecision) {
  expect_legalises({ops::kLayerNorm,
                    {random_values({2, 64}, 1, 1000, 1001)},
                    {{attr::kAxes, Axes{{1}}}, {attr::kEps, 1e-5}}},
                   1e-3);
}

TEST(LegaliseActivation, EveryActivation) {
  const TensorData x = random_values({1000}, 1, -30, 30);
  for (const OpName op : {ops::kSilu, ops::kHardsigmoid, ops::kMish, ops::kSoftplus})
    expect_legalises({op, {x}});
  expect_legalises({ops::kSoftplus, {x}, {{attr::kBeta, 2.0}, {attr::kThreshold, 1.0}}});
  expect_legalises(
      {ops::kElu, {x}, {{attr::kAlpha, 1.67}, {attr::kScale, 1.05}, {attr::kInputScale, 0.5}}});
  expect_legalises({ops::kClamp, {x}, {{attr::kMin, 0.0}, {attr::kMax, 6.0}}});
}

TEST(LegaliseMath, EveryFormula) {
  const TensorData x = random_values({2000}, 1, -5, 5);
  for (const OpName op : {ops::kErf, ops::kTrunc, ops::kAtan, ops::kExpm1, ops::kSinh, ops::kCosh,
                          ops::kAsinh, ops::kIsNan})
    expect_legalises({op, {x}});
  const TensorData inside = random_values({1000}, 1, -0.99, 0.99);
  for (const OpName op : {ops::kAsin, ops::kAcos, ops::kAtanh, ops::kTan, ops::kLog1p})
    expect_legalises({op, {inside}});
  expect_legalises({ops::kAcosh, {random_values({1000}, 1, 1, 9)}});
}

TEST(LegaliseMath, TanHoldsOnBothSidesOfItsPoles) {
  // One at a time: an error counts relative to the largest value.
  for (const float x :
       {0.7F, -0.8F, 1.57F, 1.5708F, 1.58F, -1.5707F, 3.2F, 4.7123F, 7.854F, 314.159F})
    expect_legalises({ops::kTan, {TensorData::of<float>({1}, {x})}});
}

TEST(LegaliseMath, ErfKeepsSmallNumbers) {
  const OneOpCase one = {ops::kErf, {TensorData::of<float>({3}, {1e-6F, -1e-20F, 0.0F})}};
  const Legalised result = legalise_one(one);
  EXPECT_LE(result.largest_error, 1e-12);
}

TEST(LegaliseMath, DivisionsAndRests) {
  const TensorData x = random_values({500}, 1, -9, 9);
  const TensorData y = random_values({500}, 2, 0.5, 3);
  for (const OpName op : {ops::kTruncDivide, ops::kFloorDivide, ops::kFmod, ops::kRemainder})
    expect_legalises({op, {x, y}});
  expect_legalises({ops::kFloorDivide,
                    {TensorData::of<float>({1}, {1.0F}), TensorData::of<float>({1}, {0.1F})}});
}

TEST(LegaliseMath, PowersWithKnownExponents) {
  for (const float exponent : {-2.0F, -1.0F, -0.5F, 0.5F, 1.5F, 2.0F, 3.0F, 7.0F, 2.5F}) {
    expect_legalises(
        {ops::kPow, {random_values({100}, 1, 0.5, 2), TensorData::of<float>({}, {exponent})}});
  }
}

TEST(LegaliseIntegers, AreExact) {
  const auto ints = [](std::vector<int64_t> values) {
    const auto count = static_cast<int64_t>(values.size());
    return TensorData::of<int64_t>({count}, values);
  };
  const TensorData x = ints({-7, -1, 0, 1, 9, int64_t{1} << 50});
  const TensorData y = ints({3, 5, 7, 1, 4, 1000});
  for (const OpName op : {ops::kAbs, ops::kSign, ops::kSquare, ops::kBitwiseNot})
    expect_legalises({op, {x}}, 0);
  for (const OpName op : {ops::kFmod, ops::kBitwiseOr, ops::kBitwiseXor, ops::kBitwiseAnd})
    expect_legalises({op, {x, y}}, 0);
}

TEST(LegaliseProduct, ConstantsBecomeLinearAndIntegersSums) {
  expect_legalises({ops::kMatmul, {random_values({2, 3, 4}), random_values({4, 5}, 2)}});
  expect_legalises({ops::kMatmul, {random_values({2, 3, 4}), random_values({2, 4, 5}, 2)}});
  expect_legalises(
      {ops::kMatmul, {random_values({2, 1, 2, 2, 3, 4}), random_values({2, 1, 2, 2, 4, 5}, 2)}});
  const TensorData a = TensorData::of<int64_t>({2, 2}, {1, 2, 3, int64_t{1} << 40});
  const TensorData b = TensorData::of<int64_t>({2, 1}, {5, 7});
  expect_legalises({ops::kMatmul, {a, b}}, 0);
}

TEST(LegaliseProduct, ConstantOnTheLeftIsAppliedToTheRows) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  const TensorData values = random_values({2, 3, 4});
  const ValueId x = graph.add_input("x", {DType::kF32, {Dim(2), Dim(3), Dim(4)}});
  const ValueId a = builder.constant(random_values({5, 3}, 2), "a");
  graph.add_output("y", builder.create(ops::kMatmul, {a, x}));
  const std::vector<double> before = evaluate_outputs(graph, {values})[0].to_doubles();
  Diagnostics diagnostics;
  ASSERT_TRUE(run_passes(graph, legalise_passes(), {}, diagnostics).ok());
  EXPECT_EQ(evaluate_outputs(graph, {values})[0].to_doubles(), before);
  EXPECT_TRUE(graph.producer_if(graph.outputs()[0].value, ops::kPermute).valid());
}

TEST(LegaliseResize, EveryScale) {
  for (const bool exact : {false, true}) {
    for (const Floats& scales : {Floats{}, Floats{1.7, 2.3}, Floats{0.6, 0.9}}) {
      const ShapeAttr size = {scales.empty() ? Dims{7, 9}
                                             : Dims{static_cast<int64_t>(5 * scales[0]),
                                                    static_cast<int64_t>(6 * scales[1])}};
      expect_legalises(
          {ops::kResizeNearest,
           {random_values({1, 2, 5, 6})},
           {{attr::kResizedTo, size}, {attr::kScales, scales}, {attr::kExact, exact}}});
      expect_legalises(
          {ops::kResizeBilinear,
           {random_values({1, 2, 5, 6})},
           {{attr::kResizedTo, size}, {attr::kScales, scales}, {attr::kAlignCorners, false}}});
    }
  }
  expect_legalises(
      {ops::kResizeBilinear, {random_values({1, 2, 5})}, {{attr::kResizedTo, ShapeAttr{{8}}}}});
  expect_legalises({ops::kResizeBilinear,
                    {random_values({1, 2, 3, 4, 5})},
                    {{attr::kResizedTo, ShapeAttr{{6, 4, 7}}}, {attr::kAlignCorners, true}}});
  expect_legalises({ops::kResizeNearest,
                    {random_values({1, 2, 3, 4, 5})},
                    {{attr::kResizedTo, ShapeAttr{{6, 4, 7}}}}});
}

TEST(LegaliseTypes, HalfPrecisionIsComputedInFloat32) {
  std::vector<float> values = {-1.5F, 0.25F, 3.0F};
  std::vector<std::byte> bytes(6);
  for (size_t i = 0; i < values.size(); ++i) store_double(DType::kF16, values[i], &bytes[2 * i]);
  const OneOpCase one = {ops::kSilu, {TensorData::copy_of(bytes, DType::kF16, {3})}};
  expect_legalises(one, 1e-3);
  EXPECT_EQ(legalise_one(one).ops, (std::vector<std::string>{"cast", "sigmoid", "mul", "cast"}));
}

TEST(LegaliseTypes, DoublePrecisionIsComputedInFloat32) {
  const OneOpCase one = {ops::kSilu, {TensorData::of<double>({3}, {-1.5, 0.25, 3})}};
  expect_legalises(one);
  EXPECT_EQ(legalise_one(one).ops, (std::vector<std::string>{"cast", "sigmoid", "mul", "cast"}));
}

TEST(LegaliseTypes, SmallIntegersAreAddedInInt32AndWrap) {
  const TensorData x = TensorData::of<int8_t>({3}, {100, -100, 5});
  const OneOpCase one = {ops::kAdd, {x, x}};
  expect_legalises(one, 0);
  EXPECT_EQ(legalise_one(one).ops, (std::vector<std::string>{"cast", "add", "cast"}));
}

TEST(LegaliseErrors, TensorsWithoutElementsAreReported) {
  EXPECT_EQ(
      legalise_one(
          {ops::kFlip, {TensorData::filled(DType::kF32, {2, 0}, 0)}, {{attr::kAxes, Axes{{0}}}}})
          .errors,
      "error[E0401]: 'flip' of a tensor without elements\n"
      "  why:  the runtime fails on empty tensors\n"
      "  hint: leave the empty part out of the model");
}

TEST(LegaliseErrors, WholeNumbersThatNoKernelComputesAreReported) {
  const TensorData x = TensorData::filled(DType::kI64, {1, 1, 4, 4}, 7);
  EXPECT_EQ(
      legalise_one({ops::kMaxPool, {x}, max_attrs({2, 2}, {2, 2}, {0, 0}, {0, 0}, {1, 1})}).errors,
      "error[E0401]: 'max_pool' of int64\n"
      "  why:  the runtime's MAX_POOL_2D does not compute on that type\n"
      "  hint: cast its operands to float32, or to int32 if they are whole numbers");
}

TEST(Legalise, PowersOfInt64AreExactAndWrapAround) {
  const TensorData base = TensorData::of<int64_t>({6}, {3, -7, 2, 2, 10, 1});
  const TensorData exponent = TensorData::of<int64_t>({6}, {39, 21, 63, 64, 0, -5});
  expect_legalises({ops::kPow, {base, exponent}});
}

}  // namespace
}  // namespace ferryman::tflite
