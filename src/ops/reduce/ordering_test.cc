#include <cmath>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/row_test.h"
#include "ops/special/special_names.h"

namespace ferryman {
namespace {

using Values = std::vector<double>;

std::vector<NamedAttr> topk_attrs(int64_t axis, int64_t count, bool largest) {
  return {{attr::kAxis, Axis{axis}}, {attr::kCount, SizeAttr{count}}, {attr::kLargest, largest}};
}

TEST(Topk, GivesTheLargestInOrderAlongTheAxis) {
  const TensorData x = TensorData::of<float>({2, 3}, {1, 5, 3, 4, 2, 6});
  EXPECT_EQ(evaluate_row(ops::kTopk, {x}, topk_attrs(1, 2, true)), (Values{5, 3, 6, 4}));
  EXPECT_EQ(evaluate_row(ops::kTopk, {x}, topk_attrs(0, 2, false)), (Values{1, 2, 3, 4, 5, 6}));
}

TEST(Topk, TakesNanForTheLargest) {
  const TensorData x = TensorData::of<float>({4}, {1, NAN, INFINITY, -INFINITY});
  const Values descending = evaluate_row(ops::kTopk, {x}, topk_attrs(0, 3, true));
  EXPECT_TRUE(std::isnan(descending[0]));
  EXPECT_EQ((Values{descending[1], descending[2]}), (Values{INFINITY, 1}));
  const Values ascending = evaluate_row(ops::kTopk, {x}, topk_attrs(0, 4, false));
  EXPECT_TRUE(std::isnan(ascending[3]));
  EXPECT_EQ((Values{ascending[0], ascending[1], ascending[2]}), (Values{-INFINITY, 1, INFINITY}));
}

TEST(Topk, RefusesMoreThanThereAre) {
  EXPECT_EQ(refused_row(ops::kTopk, {iota({3})}, topk_attrs(0, 4, true)),
            "topk: more elements than the axis has");
}

std::vector<NamedAttr> segment_attrs(int64_t count, std::string reduction) {
  return {{attr::kCount, SizeAttr{count}}, {attr::kReduction, std::move(reduction)}};
}

TEST(SegmentReduce, CombinesRowsByTheirNumber) {
  const TensorData numbers = TensorData::of<int32_t>({3}, {2, 0, 2});
  const std::vector<TensorData> operands = {iota({3, 2}), numbers};
  EXPECT_EQ(evaluate_row(ops::kSegmentReduce, operands, segment_attrs(3, "sum")),
            (Values{2, 3, 0, 0, 4, 6}));
  EXPECT_EQ(evaluate_row(ops::kSegmentReduce, operands, segment_attrs(3, "prod")),
            (Values{2, 3, 1, 1, 0, 5}));
  EXPECT_EQ(evaluate_row(ops::kSegmentReduce, operands, segment_attrs(3, "amax")),
            (Values{2, 3, -INFINITY, -INFINITY, 4, 5}));
}

TEST(SegmentReduce, OfWholeNumbersIsTheLowestWhereThereAreNone) {
  const TensorData x = TensorData::of<int32_t>({1}, {7});
  const TensorData numbers = TensorData::of<int32_t>({1}, {1});
  EXPECT_EQ(evaluate_row(ops::kSegmentReduce, {x, numbers}, segment_attrs(2, "amax")),
            (Values{-2147483648.0, 7}));
}

TEST(Bitcast, KeepsTheBits) {
  const TensorData x = TensorData::of<float>({2}, {1, -0.0F});
  EXPECT_EQ(evaluate_row(ops::kBitcast, {x}, {{attr::kDType, DType::kI32}}),
            (Values{0x3f800000, -2147483648.0}));
}

}  // namespace
}  // namespace ferryman
