#include "layout/transposition.h"

#include <gtest/gtest.h>

namespace ferryman::layout {

namespace {

using Shape = Dims;

TEST(Transposition, SplitsHeadsIntoTheWantedShape) {
  const Transposition found = transposition({17, 4, 8}, {1, 0, 2}, {1, 17, 32}, {1, 4, 17, 8});
  EXPECT_EQ(found.input_shape, (Shape{1, 17, 4, 8}));
  EXPECT_EQ(found.perm, (Ints{0, 2, 1, 3}));
}

TEST(Transposition, TakesTheInputAsItLies) {
  const Transposition found = transposition({4, 17, 8}, {1, 0, 2}, {1, 4, 17, 8}, {17, 32});
  EXPECT_EQ(found.input_shape, (Shape{1, 4, 17, 8}));
  EXPECT_EQ(found.perm, (Ints{0, 2, 1, 3}));
}

TEST(Transposition, MovesUnitsToWhereTheReaderWantsThem) {
  const Transposition found = transposition({5, 1, 3}, {2, 0, 1}, {1, 5, 3}, {3, 5, 1});
  EXPECT_EQ(found.input_shape, (Shape{1, 5, 3}));
  EXPECT_EQ(found.perm, (Ints{2, 1, 0}));
}

TEST(Transposition, UnitAxesGo) {
  EXPECT_EQ(without_units({1, 3, 1, 2}), (Dims{3, 2}));
  EXPECT_EQ(without_units({1}), Dims{});
}

TEST(Transposition, ShapesOfTooManyAxesLoseTheirUnits) {
  const Dims lying = {1, 1, 1, 4, 8};
  EXPECT_EQ(transposition({4, 8}, {1, 0}, lying, {8, 4}).input_shape, lying);
  EXPECT_EQ(transposition({4, 8}, {1, 0}, lying, {8, 4}, 4).input_shape, (Dims{4, 8}));
}

}  // namespace

}  // namespace ferryman::layout
