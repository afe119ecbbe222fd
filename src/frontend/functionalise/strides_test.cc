#include "frontend/functionalise/strides.h"

#include <gtest/gtest.h>

namespace ferryman::frontend {
namespace {

std::vector<SymSize> static_sizes(const std::vector<int64_t>& numbers) {
  std::vector<SymSize> sizes;
  for (const int64_t number : numbers) sizes.push_back({number, {}});
  return sizes;
}

TensorMeta tensor(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  return {DType::kF32, static_sizes(sizes), static_sizes(strides)};
}

bool views(const TensorMeta& from, const std::vector<int64_t>& sizes) {
  return can_view_as(from, static_sizes(sizes));
}

TEST(Strides, DenseTensorIsViewedInAnyShape) {
  EXPECT_TRUE(views(tensor({4, 6}, {6, 1}), {24}));
  EXPECT_TRUE(views(tensor({4, 6}, {6, 1}), {2, 1, 2, 3, 2}));
  EXPECT_TRUE(views(tensor({4, 6}, {6, 1}), {3, 8}));
}

TEST(Strides, TransposedTensorIsViewedOnlyWithinItsAxes) {
  EXPECT_TRUE(views(tensor({6, 4}, {1, 6}), {2, 3, 4}));
  EXPECT_TRUE(views(tensor({6, 4}, {1, 6}), {1, 6, 2, 1, 2}));
  EXPECT_FALSE(views(tensor({6, 4}, {1, 6}), {24}));
  EXPECT_FALSE(views(tensor({6, 4}, {1, 6}), {3, 8}));
}

TEST(Strides, StridesOfSizeOneAxesDoNotCount) {
  EXPECT_TRUE(views(tensor({4, 1, 6}, {6, 99, 1}), {24}));
  EXPECT_TRUE(is_dense(tensor({1, 6}, {77, 1}), MemoryOrder::kRowMajor));
}

TEST(Strides, SliceIsViewedOnlyAroundItsGaps) {
  EXPECT_FALSE(views(tensor({4, 3}, {6, 1}), {12}));
  EXPECT_TRUE(views(tensor({4, 3}, {6, 1}), {2, 2, 3}));
  EXPECT_TRUE(views(tensor({4}, {2}), {2, 2}));
}

TEST(Strides, EmptyTensorAndScalarAreAlwaysViewed) {
  EXPECT_TRUE(views(tensor({0, 3}, {9, 1}), {3, 0}));
  EXPECT_TRUE(views(tensor({}, {}), {1, 1}));
  EXPECT_TRUE(views(tensor({1, 1}, {5, 3}), {}));
}

TEST(Strides, ChannelsLastIsDenseInItsOwnOrder) {
  const TensorMeta image = tensor({2, 3, 4, 5}, {60, 1, 15, 3});
  EXPECT_TRUE(is_dense(image, MemoryOrder::kChannelsLast));
  EXPECT_FALSE(is_dense(image, MemoryOrder::kRowMajor));
  EXPECT_TRUE(suggests_channels_last(image));
  EXPECT_FALSE(suggests_channels_last(tensor({2, 3, 4, 5}, {60, 20, 5, 1})));
  EXPECT_FALSE(suggests_channels_last(tensor({2, 3, 1, 1}, {3, 1, 1, 1})));
}

TEST(Strides, OverlapIsSeen) {
  EXPECT_FALSE(may_overlap_itself({4, 6}, {6, 1}));
  EXPECT_FALSE(may_overlap_itself({6, 4}, {1, 6}));
  EXPECT_TRUE(may_overlap_itself({3, 3}, {1, 1}));
  EXPECT_TRUE(may_overlap_itself({4, 6}, {0, 1}));
  EXPECT_FALSE(may_overlap_itself({1, 6}, {0, 1}));
  EXPECT_TRUE(may_overlap_itself({2, INT64_MAX}, {INT64_MAX, INT64_MAX}));
}

TEST(Strides, GapsAreSeen) {
  EXPECT_TRUE(fills_memory(tensor({6, 4}, {1, 6})));
  EXPECT_FALSE(fills_memory(tensor({4, 3}, {6, 1})));
  EXPECT_FALSE(fills_memory(tensor({4, 3}, {0, 1})));
}

}  // namespace
}  // namespace ferryman::frontend
