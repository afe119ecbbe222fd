// Reductions, and ops that move elements.
#include <gtest/gtest.h>

#include <limits>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/row_test.h"

namespace ferryman {
namespace {

using Doubles = std::vector<double>;

TEST(ReduceOps, AxesAreReducedTogether) {
  const TensorData x = iota({2, 3, 2});
  EXPECT_EQ(evaluate_row(ops::kSum, {x}, {{attr::kAxes, Axes{{0, 2}}}, {attr::kKeepDim, false}}),
            (Doubles{14, 22, 30}));
  EXPECT_EQ(evaluate_row(ops::kMean, {x}, {{attr::kAxes, Axes{{1}}}, {attr::kKeepDim, true}}),
            (Doubles{2, 3, 8, 9}));
  EXPECT_EQ(
      evaluate_row(ops::kAmax, {x}, {{attr::kAxes, Axes{{0, 1, 2}}}, {attr::kKeepDim, false}}),
      Doubles{11});
}

TEST(ReduceOps, PositionsAreTheFirstOfEqualOnesAndOfNan) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const TensorData x = TensorData::of<float>({2, 3}, {1, 3, 3, 5, kNan, 9});
  EXPECT_EQ(evaluate_row(ops::kArgmax, {x}, {{attr::kAxis, Axis{1}}}), (Doubles{1, 1}));
  EXPECT_EQ(evaluate_row(ops::kArgmin, {x}, {{attr::kAxis, Axis{1}}}), (Doubles{0, 1}));
}

TEST(ReduceOps, AnExtremeOfNothingIsRefused) {
  EXPECT_EQ(
      refused_row(ops::kAmax, {iota({0, 2})}, {{attr::kAxes, Axes{{0}}}, {attr::kKeepDim, false}}),
      "amax: the extreme of no elements");
}

TEST(MovingOps, SlicesStepAndStayInside) {
  const TensorData x = iota({2, 5});
  EXPECT_EQ(evaluate_row(ops::kSlice, {x},
                         {{attr::kStarts, AxisSizes{{0, 1}}},
                          {attr::kEnds, AxisSizes{{2, 5}}},
                          {attr::kSteps, PerAxis{{1, 2}}}}),
            (Doubles{1, 3, 6, 8}));
  EXPECT_EQ(refused_row(ops::kSlice, {x},
                        {{attr::kStarts, AxisSizes{{0, 1}}},
                         {attr::kEnds, AxisSizes{{2, 6}}},
                         {attr::kSteps, PerAxis{{1, 1}}}}),
            "slice: a slice that reaches outside the tensor");
}

TEST(MovingOps, PartsJoinAlongTheAxis) {
  const TensorData x = iota({2, 2});
  const TensorData y = TensorData::filled(DType::kF32, {2, 1}, 9);
  EXPECT_EQ(evaluate_row(ops::kConcat, {x, y}, {{attr::kAxis, Axis{1}}}),
            (Doubles{0, 1, 9, 2, 3, 9}));
  EXPECT_EQ(refused_row(ops::kConcat, {x, y}, {{attr::kAxis, Axis{0}}}),
            "concat: shapes [2, 2] and [2, 1] do not join");
}

TEST(MovingOps, FlipTileAndPermute) {
  const TensorData x = iota({2, 3});
  EXPECT_EQ(evaluate_row(ops::kFlip, {x}, {{attr::kAxes, Axes{{0, 1}}}}),
            (Doubles{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(evaluate_row(ops::kTile, {iota({1, 2})}, {{attr::kRepeats, PerAxis{{2, 2}}}}),
            (Doubles{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(evaluate_row(ops::kPermute, {x}, {{attr::kPerm, Perm{{1, 0}}}}),
            (Doubles{0, 3, 1, 4, 2, 5}));
}

TEST(MovingOps, PaddingIsConstantOrMirrored) {
  const TensorData x = iota({3});
  EXPECT_EQ(evaluate_row(
                ops::kPad, {x},
                {{attr::kBefore, PerAxis{{1}}}, {attr::kAfter, PerAxis{{2}}}, {attr::kValue, 7.0}}),
            (Doubles{7, 0, 1, 2, 7, 7}));
  EXPECT_EQ(evaluate_row(ops::kReflectPad, {x},
                         {{attr::kBefore, PerAxis{{2}}}, {attr::kAfter, PerAxis{{1}}}}),
            (Doubles{2, 1, 0, 1, 2, 1}));
  EXPECT_EQ(refused_row(ops::kReflectPad, {x},
                        {{attr::kBefore, PerAxis{{3}}}, {attr::kAfter, PerAxis{{0}}}}),
            "reflect_pad: reflected padding as wide as the tensor");
}

TEST(MovingOps, GatheredEntriesTakeThePlaceOfTheAxis) {
  const TensorData x = iota({2, 3});
  const TensorData indices = TensorData::of<int64_t>({2, 2}, {2, 0, 1, 1});
  EXPECT_EQ(evaluate_row(ops::kGather, {x, indices}, {{attr::kAxis, Axis{1}}}),
            (Doubles{2, 0, 1, 1, 5, 3, 4, 4}));
}

}  // namespace
}  // namespace ferryman
