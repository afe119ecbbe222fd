#include "targets/keras/lower/addition.h"

#include <gtest/gtest.h>

namespace ferryman::keras {
namespace {

class AdditionTest : public testing::Test {
 protected:
  SymbolTable symbols;
  Dim batch = symbols.symbol("batch", {1, 64}, 2);
  Dim n = symbols.symbol("n", {1, 64}, 7);
};

TEST_F(AdditionTest, ABiasAndEqualShapesStayAsTheyAre) {
  EXPECT_EQ(addition_of({batch, n, 4}, {4}), Addition::kAsIs);
  EXPECT_EQ(addition_of({batch, 4, 8, 8}, {4, 1, 1}), Addition::kAsIs);
  EXPECT_EQ(addition_of({batch, n}, {batch, n}), Addition::kAsIs);
  EXPECT_EQ(addition_of({batch, 4, 8}, {3, 4, 8}), Addition::kAsIs);
  EXPECT_EQ(addition_of({4}, {batch, 1}), Addition::kAsIs);
  EXPECT_EQ(addition_of({batch, n, n}, {}), Addition::kAsIs);
}

TEST_F(AdditionTest, AVectorAlongAnotherAxisComesFirst) {
  EXPECT_EQ(addition_of({batch, 4, 4}, {4, 1}), Addition::kSwapped);
  EXPECT_EQ(addition_of({batch, 8, 4, 8}, {4, 1}), Addition::kAsIs);  // 4 is no size of a bias
  EXPECT_EQ(addition_of({batch, 4}, {batch, 1}), Addition::kSwapped);
  EXPECT_EQ(addition_of({batch, 2, 2, 2, 2, 4}, {1, 2, 1, 1, 1, 1}), Addition::kSwapped);
}

TEST_F(AdditionTest, TwoThatWidenEachOtherAreADifferenceIfNeedBe) {
  EXPECT_EQ(addition_of({batch, 4, 1}, {batch, 1, 4}), Addition::kSubtracted);
  EXPECT_EQ(addition_of({4, 1}, {4}), Addition::kAsIs);
  EXPECT_EQ(addition_of({n, 1}, {1, batch}), Addition::kAsIs);
}

}  // namespace
}  // namespace ferryman::keras
