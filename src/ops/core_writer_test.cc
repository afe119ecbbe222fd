#include "ops/core_writer.h"

#include <gtest/gtest.h>

#include <array>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"

namespace ferryman {
namespace {

class Writing : public testing::Test {
 protected:
  Writing() { add_all_ops(ops_); }
  ValueId input(Dims dims) { return graph_.add_input("x", {DType::kF32, std::move(dims)}); }
  Ops ops_;
  Graph graph_{ops_.set};
  Builder builder_{graph_};
  Status error_;
  CoreWriter write_{builder_, error_};
};

TEST_F(Writing, TheFirstErrorIsKeptAndNothingIsAppendedAfterIt) {
  const ValueId x = input({Dim(2), Dim(3)});
  const ValueId wrong = write_.reshape(x, {4, -1});
  EXPECT_FALSE(wrong.valid());
  EXPECT_FALSE(write_.reduce(ops::kSum, x, {7}, /*keepdim=*/false).valid());
  EXPECT_FALSE(write_.add(x, 1).valid());
  EXPECT_EQ(graph_.num_ops(), 0U);
  ASSERT_TRUE(write_.has_failed());
  EXPECT_EQ(error_.diag().what, "6 elements do not fit into [4, -1]");
}

TEST_F(Writing, WhatWasNotWrittenMayBeAskedForAnything) {
  const ValueId nothing = write_.refuse("of other than images");
  EXPECT_GT(write_.rank(nothing), 64U);
  EXPECT_EQ(write_.size(nothing, 5), 1);
  EXPECT_FALSE(write_.is_constant(nothing));
  EXPECT_FALSE(write_.select(write_.permute(nothing, {1, 0}), 3, 7).valid());
  EXPECT_FALSE(write_.indices({3}, {0}).valid());
  EXPECT_EQ(write_.all_results(ops::kTopk, std::array{nothing}).size(), 2U);
}

TEST_F(Writing, ASizeIsFoundFromTheOthers) {
  const ValueId x = input({Dim(2), Dim(6)});
  EXPECT_EQ(write_.sizes(write_.reshape(x, {3, -1})), (Ints{3, 4}));
  EXPECT_EQ(write_.sizes(write_.reshape(x, Ints{-1})), (Ints{12}));
}

TEST_F(Writing, StepsThatChangeNothingAreNotWritten) {
  const ValueId x = input({Dim(2), Dim(3)});
  EXPECT_EQ(write_.reshape(x, {2, -1}), x);
  EXPECT_EQ(write_.permute(x, {0, 1}), x);
  EXPECT_EQ(write_.expand(x, {2, 3}), x);
  EXPECT_EQ(write_.slice_axis(x, 1, 0, 3), x);
  EXPECT_EQ(write_.pad(x, {0, 0}, {0, 0}, 1), x);
  EXPECT_EQ(write_.cast(x, DType::kF32), x);
  EXPECT_EQ(write_.mul(write_.add(x, 0), 1), x);
  EXPECT_EQ(graph_.num_ops(), 0U);
}

TEST_F(Writing, ConstantsAreMovedAtOnce) {
  const ValueId table = write_.constant(TensorData::of<float>({2, 3}, {1, 2, 3, 4, 5, 6}), "table");
  const ValueId turned = write_.reshape(write_.permute(table, {1, 0}), {6});
  ASSERT_TRUE(graph_.is_constant(turned));
  EXPECT_EQ(graph_.constant(turned).to_doubles(), (std::vector<double>{1, 4, 2, 5, 3, 6}));
  EXPECT_FALSE(write_.permute(table, {1, 1}).valid());
  EXPECT_TRUE(write_.has_failed());
}

TEST_F(Writing, CopiesShareTheError) {
  const CoreWriter copy = write_;
  copy.refuse("the first");
  write_.refuse("the second");
  EXPECT_EQ(error_.diag().what, "the first");
}

}  // namespace
}  // namespace ferryman
