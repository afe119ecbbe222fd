#include "targets/tflite/tensors/shapes.h"

#include <gtest/gtest.h>

namespace ferryman::tflite {
namespace {

TEST(Shapes, AroundAnAxisTheOthersAreMerged) {
  SymbolTable symbols;
  EXPECT_EQ(around_axis(symbols, {2, 3, 4, 5}, 1), (Shape{2, 3, 20}));
  EXPECT_EQ(around_axis(symbols, {2, 3}, 0), (Shape{1, 2, 3}));
  EXPECT_EQ(around_axis(symbols, {2, 0, 3}, 2), (Shape{0, 3, 1}));
}

TEST(Shapes, RowsAreWhatStandsBeforeTheLastAxis) {
  SymbolTable symbols;
  EXPECT_EQ(as_rows(symbols, {2, 3, 4}), (Shape{6, 4}));
  EXPECT_EQ(as_rows(symbols, {4}), (Shape{1, 4}));
}

TEST(Shapes, MarksFollowElementsIntoOtherGroups) {
  SymbolTable symbols;
  using Marks = std::vector<bool>;
  const std::vector<MarkedAxis> axes = {{4, false}, {1, true}, {6, false}, {5, true}};
  EXPECT_EQ(marks_in_shape(symbols, axes, {24, 5}), (Marks{false, true}));
  EXPECT_EQ(marks_in_shape(symbols, axes, {1, 2, 12, 1, 5, 1}),
            (Marks{false, false, false, false, true, false}));
  EXPECT_EQ(marks_in_shape(symbols, axes, {4, 30}), std::nullopt);
  EXPECT_EQ(marks_in_shape(symbols, axes, {8, 15}), std::nullopt);
  EXPECT_EQ(marks_in_shape(symbols, {}, {1, 1}), (Marks{false, false}));
  EXPECT_EQ(marks_in_shape(symbols, {{0, true}}, {0, 1}), std::nullopt);
}

TEST(Shapes, FreeSizesAreMergedAndTakenApartAgain) {
  SymbolTable symbols;
  const Dim n = symbols.symbol("n", {1, 64});
  EXPECT_EQ(around_axis(symbols, {n, 3, 4, n}, 1), (Shape{n, 3, symbols.mul(n, 4)}));
  const std::vector<MarkedAxis> axes = {{n, false}, {4, false}, {5, true}};
  EXPECT_EQ(marks_in_shape(symbols, axes, {symbols.mul(n, 4), 5}),
            (std::vector<bool>{false, true}));
  EXPECT_EQ(marks_in_shape(symbols, axes, {symbols.mul(n, 20)}), std::nullopt);
}

}  // namespace
}  // namespace ferryman::tflite
