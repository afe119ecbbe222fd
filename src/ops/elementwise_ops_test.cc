// Where the evaluators must follow torch to the letter: signs, NaN, ties, overflow.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/row_test.h"

namespace ferryman {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

TensorData reals(const std::vector<float>& values) {
  return TensorData::of<float>({static_cast<int64_t>(values.size())}, values);
}
TensorData whole(const std::vector<int32_t>& values) {
  return TensorData::of<int32_t>({static_cast<int64_t>(values.size())}, values);
}
using Doubles = std::vector<double>;

// NaN written as 99, so that whole results can be compared.
Doubles with_nan_as_99(Doubles values) {
  for (double& value : values) value = std::isnan(value) ? 99 : value;
  return values;
}

TEST(ElementwiseOps, RemainderHasTheSignOfTheDivisorAndFmodOfTheDividend) {
  const TensorData x = whole({7, -7, 7, -7});
  const TensorData y = whole({3, 3, -3, -3});
  EXPECT_EQ(evaluate_row(ops::kRemainder, {x, y}), (Doubles{1, 2, -2, -1}));
  EXPECT_EQ(evaluate_row(ops::kFmod, {x, y}), (Doubles{1, -1, 1, -1}));
  EXPECT_EQ(evaluate_row(ops::kFloorDivide, {x, y}), (Doubles{2, -3, -3, 2}));
  EXPECT_EQ(evaluate_row(ops::kTruncDivide, {x, y}), (Doubles{2, -2, -2, 2}));
}

TEST(ElementwiseOps, RemaindersOfRealsFollowTheSameSigns) {
  const TensorData x = reals({5.5F, -5.5F, 5.5F, -5.5F});
  const TensorData y = reals({2, 2, -2, -2});
  EXPECT_EQ(evaluate_row(ops::kRemainder, {x, y}), (Doubles{1.5, 0.5, -0.5, -1.5}));
  EXPECT_EQ(evaluate_row(ops::kFmod, {x, y}), (Doubles{1.5, -1.5, 1.5, -1.5}));
  EXPECT_EQ(evaluate_row(ops::kFloorDivide, {x, y}), (Doubles{2, -3, -3, 2}));
}

TEST(ElementwiseOps, WholeNumbersWrapAround) {
  constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();
  constexpr int32_t kSmallest = std::numeric_limits<int32_t>::min();
  EXPECT_EQ(evaluate_row(ops::kAdd, {whole({kLargest}), whole({1})}), Doubles{kSmallest});
  EXPECT_EQ(evaluate_row(ops::kNeg, {whole({kSmallest})}), Doubles{kSmallest});
  EXPECT_EQ(evaluate_row(ops::kTruncDivide, {whole({kSmallest}), whole({-1})}), Doubles{kSmallest});
}

TEST(ElementwiseOps, PowersOfWholeNumbersAreWhole) {
  EXPECT_EQ(evaluate_row(ops::kPow, {whole({3, 2, -1, 1, 0}), whole({4, -1, -3, -5, 0})}),
            (Doubles{81, 0, -1, 1, 1}));
}

TEST(ElementwiseOps, NanWinsInMaximumAndMinimumFromEitherSide) {
  const TensorData x = reals({kNan, 1, 2});
  const TensorData y = reals({1, kNan, 3});
  EXPECT_EQ(with_nan_as_99(evaluate_row(ops::kMaximum, {x, y})), (Doubles{99, 99, 3}));
  EXPECT_EQ(with_nan_as_99(evaluate_row(ops::kMinimum, {x, y})), (Doubles{99, 99, 2}));
}

TEST(ElementwiseOps, ActivationsPassNanAndKeepTheirLimits) {
  const TensorData x = reals({kNan, -kInf, -1, 7, kInf});
  EXPECT_EQ(with_nan_as_99(evaluate_row(ops::kRelu, {x})), (Doubles{99, 0, 0, 7, kInf}));
  EXPECT_EQ(with_nan_as_99(evaluate_row(ops::kRelu6, {x})), (Doubles{99, 0, 0, 6, 6}));
  EXPECT_EQ(with_nan_as_99(evaluate_row(ops::kHardsigmoid, {x}))[0], 99);
  EXPECT_EQ(with_nan_as_99(evaluate_row(ops::kClamp, {x}, {{attr::kMin, -0.5}, {attr::kMax, 2.0}})),
            (Doubles{99, -0.5, -0.5, 2, 2}));
}

TEST(ElementwiseOps, RoundGoesToEven) {
  EXPECT_EQ(evaluate_row(ops::kRound, {reals({0.5F, 1.5F, -2.5F, 2.6F})}), (Doubles{0, 2, -2, 3}));
}

TEST(ElementwiseOps, ComparisonsWithNanAreFalseButNotEqual) {
  const TensorData nan = reals({kNan});
  EXPECT_EQ(evaluate_row(ops::kEq, {nan, nan}), Doubles{0});
  EXPECT_EQ(evaluate_row(ops::kNe, {nan, nan}), Doubles{1});
  EXPECT_EQ(evaluate_row(ops::kLe, {nan, nan}), Doubles{0});
}

TEST(ElementwiseOps, SoftplusIsTheIdentityAboveItsThreshold) {
  const Doubles y = evaluate_row(ops::kSoftplus, {reals({0, 30})},
                                 {{attr::kBeta, 1.0}, {attr::kThreshold, 20.0}});
  EXPECT_FLOAT_EQ(static_cast<float>(y[0]), 0.6931472F);
  EXPECT_EQ(y[1], 30);
}

TEST(ElementwiseOps, CastTruncatesAndTakesAnythingButZeroForTrue) {
  EXPECT_EQ(evaluate_row(ops::kCast, {reals({1.9F, -1.9F})}, {{attr::kDType, DType::kI64}}),
            (Doubles{1, -1}));
  EXPECT_EQ(evaluate_row(ops::kCast, {reals({0, 0.1F, kNan})}, {{attr::kDType, DType::kBool}}),
            (Doubles{0, 1, 1}));
}

TEST(ElementwiseOps, WhereBroadcastsAllThree) {
  const TensorData condition = TensorData::filled(DType::kBool, {2, 1}, 1);
  EXPECT_EQ(evaluate_row(ops::kWhere, {condition, reals({1, 2}), TensorData::of<float>({}, {0})}),
            (Doubles{1, 2, 1, 2}));
  EXPECT_EQ(refused_row(ops::kWhere, {condition, reals({1}), whole({1})}),
            "where: the branches are float32 and int32");
}

}  // namespace
}  // namespace ferryman
