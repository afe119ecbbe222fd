#include "targets/tflite/lower/shapes.h"

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

TEST(Shapes, MarksFollowElementsIntoOtherGroups) {
  using Marks = std::vector<bool>;
  const std::vector<MarkedAxis> axes = {{4, false}, {1, true}, {6, false}, {5, true}};
  EXPECT_EQ(marks_in_shape(axes, {24, 5}), (Marks{false, true}));
  EXPECT_EQ(marks_in_shape(axes, {1, 2, 12, 1, 5, 1}),
            (Marks{false, false, false, false, true, false}));
  EXPECT_EQ(marks_in_shape(axes, {4, 30}), std::nullopt);
  EXPECT_EQ(marks_in_shape(axes, {8, 15}), std::nullopt);
  EXPECT_EQ(marks_in_shape({}, {1, 1}), (Marks{false, false}));
  EXPECT_EQ(marks_in_shape({{0, true}}, {0, 1}), std::nullopt);
}

}  // namespace
}  // namespace ferryman::tflite
