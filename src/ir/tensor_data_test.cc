#include "ir/tensor_data.h"

#include <gtest/gtest.h>

namespace ferryman {
namespace {

TensorData iota(Ints shape) {
  std::vector<float> values(static_cast<size_t>(product(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return TensorData::of(std::move(shape), values);
}

TEST(TensorData, PermutedReadsElementsInTheNewOrder) {
  const TensorData t = iota({2, 3}).permuted({1, 0});
  EXPECT_EQ(t.shape(), (Ints{3, 2}));
  EXPECT_EQ(t.to_ints(), (Ints{0, 3, 1, 4, 2, 5}));
}

TEST(TensorData, OneNumberEverywhereStaysOneInAnyShape) {
  const TensorData t = TensorData::filled(DType::kF32, {2, 3}, 7).reshaped({3, 2});
  EXPECT_TRUE(t.is_broadcast_along(0) && t.is_broadcast_along(1));
  EXPECT_EQ(t.to_ints(), Ints(6, 7));
  EXPECT_EQ(t.scaled(0, {1, 2, 3}).reshaped({6}).to_ints(), (Ints{7, 7, 14, 14, 21, 21}));
}

TEST(TensorData, ScaleFollowsItsAxisThroughAPermutation) {
  const TensorData t = iota({2, 3}).scaled(0, {10, 100}).permuted({1, 0});
  EXPECT_EQ(t.to_ints(), (Ints{0, 300, 10, 400, 20, 500}));
}

TEST(TensorData, ScalesOfOneAxisMultiplyAndOfTwoAxesBothHold) {
  EXPECT_EQ(iota({2, 2}).scaled(1, {2, 3}).scaled(1, {10, 10}).to_ints(), (Ints{0, 30, 40, 90}));
  EXPECT_EQ(iota({2, 2}).scaled(0, {2, 3}).scaled(1, {1, 10}).to_ints(), (Ints{0, 20, 6, 90}));
}

TEST(TensorData, ReadInPiecesEqualsReadAtOnce) {
  const TensorData t = iota({3, 4, 5}).scaled(1, {1, 2, 3, 4}).permuted({2, 0, 1});
  const Ints whole = t.to_ints();
  for (int64_t piece = 1; piece < 60; piece += 7) {
    Ints joined;
    for (int64_t begin = 0; begin < 60; begin += piece) {
      std::vector<float> part(static_cast<size_t>(std::min(piece, 60 - begin)));
      t.read(begin, std::as_writable_bytes(std::span(part)));
      for (const float value : part) joined.push_back(static_cast<int64_t>(value));
    }
    EXPECT_EQ(joined, whole) << piece;
  }
}

TEST(TensorData, HashSeesContentNotStrides) {
  const TensorData t = iota({2, 3});
  EXPECT_EQ(t.permuted({1, 0}).permuted({1, 0}).hash(), t.hash());
  EXPECT_EQ(t.permuted({1, 0}).hash(), t.permuted({1, 0}).materialised().hash());
  EXPECT_NE(t.hash(), t.permuted({1, 0}).reshaped({2, 3}).hash());
}

TEST(TensorData, ElementsOutsideTheStorageAreRefused) {
  const BlobRef blob = owned_blob(std::vector<std::byte>(16));
  EXPECT_TRUE(TensorData::strided(blob, DType::kF32, {2, 2}, {2, 1}, 0).ok());
  EXPECT_FALSE(TensorData::strided(blob, DType::kF32, {2, 2}, {2, 1}, 1).ok());
  EXPECT_FALSE(TensorData::strided(blob, DType::kF32, {2, 2}, {INT64_MAX, 1}, 0).ok());
  EXPECT_FALSE(TensorData::strided(blob, DType::kF32, {2}, {-1}, 1).ok());
  EXPECT_TRUE(TensorData::strided(blob, DType::kF32, {0, 9}, {9, 1}, 0).ok());
}

TEST(TensorData, HalfPrecisionRoundsToNearestEven) {
  const TensorData ones = TensorData::filled(DType::kF16, {1}, 1.0 + 0x1p-11);
  EXPECT_EQ(ones.to_doubles()[0], 1.0);
  EXPECT_EQ(TensorData::filled(DType::kF16, {1}, 65519).to_doubles()[0], 65504);
  EXPECT_EQ(TensorData::filled(DType::kBF16, {1}, 1.0 + 0x1p-8).to_doubles()[0], 1.0);
  EXPECT_EQ(TensorData::filled(DType::kF16, {1}, 0x1p-24).to_doubles()[0], 0x1p-24);
}

}  // namespace
}  // namespace ferryman
