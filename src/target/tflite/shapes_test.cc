#include "target/tflite/shapes.h"

#include <gtest/gtest.h>

namespace ferryman::tflite {
namespace {

TEST(Shapes, AroundAnAxisTheOthersAreMerged) {
  EXPECT_EQ(around_axis({2, 3, 4, 5}, 1), (Shape{2, 3, 20}));
  EXPECT_EQ(around_axis({2, 3}, 0), (Shape{1, 2, 3}));
  EXPECT_EQ(around_axis({2, 0, 3}, 2), (Shape{0, 3, 1}));
}

TEST(Shapes, RowsAreWhatStandsBeforeTheLastAxis) {
  EXPECT_EQ(as_rows({2, 3, 4}), (Shape{6, 4}));
  EXPECT_EQ(as_rows({4}), (Shape{1, 4}));
}

TEST(Shapes, UnitAxesGo) {
  EXPECT_EQ(without_units({1, 3, 1, 2}), (Shape{3, 2}));
  EXPECT_EQ(without_units({1}), Shape{});
}

}  // namespace
}  // namespace ferryman::tflite
