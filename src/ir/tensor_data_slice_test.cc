#include <gtest/gtest.h>

#include "ir/tensor_data.h"

namespace ferryman {
namespace {

TensorData counting() {
  return TensorData::of<float>({2, 3, 4}, {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                           12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23});
}

TEST(TensorDataSlice, StepsAlongSeveralAxesWithoutCopying) {
  const TensorData piece = counting().sliced({1, 0, 1}, {1, 2, 2}, {1, 2, 2});
  EXPECT_EQ(piece.shape(), (Ints{1, 2, 2}));
  EXPECT_EQ(piece.to_doubles(), (std::vector<double>{13, 15, 21, 23}));
}

TEST(TensorDataSlice, KeepsTheFactorsOfAScaledAxis) {
  const TensorData piece =
      counting().scaled(1, {1, 10, 100}).sliced({0, 1, 0}, {2, 2, 1}, {1, 1, 1});
  EXPECT_EQ(piece.to_doubles(), (std::vector<double>{40, 800, 160, 2000}));
  EXPECT_EQ(piece.permuted({1, 0, 2}).to_doubles(), (std::vector<double>{40, 160, 800, 2000}));
}

TEST(TensorDataSlice, KnowsBroadcastAxes) {
  const TensorData ones = TensorData::filled(DType::kF32, {2, 3}, 1);
  EXPECT_TRUE(ones.is_broadcast_along(0));
  EXPECT_TRUE(ones.is_broadcast_along(1));
  EXPECT_FALSE(ones.scaled(1, {1, 2, 3}).is_broadcast_along(1));
  EXPECT_FALSE(counting().is_broadcast_along(0));
}

}  // namespace
}  // namespace ferryman
