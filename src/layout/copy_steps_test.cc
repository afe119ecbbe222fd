#include "layout/copy_steps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace ferryman::layout {
namespace {

// Positions of the elements after TRANSPOSE of `data` seen as `shape`.
std::vector<int64_t> transposed(const std::vector<int64_t>& data, const CopyStep& step) {
  const size_t rank = step.perm.size();
  Ints strides(rank, 1);
  for (size_t axis = rank - 1; axis-- > 0;) {
    strides[axis] = strides[axis + 1] * step.input_shape[axis + 1].size();
  }
  std::vector<int64_t> result;
  Ints index(rank, 0);
  for (size_t done = 0; done < data.size(); ++done) {
    int64_t at = 0;
    for (size_t axis = 0; axis < rank; ++axis) {
      at += index[axis] * strides[static_cast<size_t>(step.perm[axis])];
    }
    result.push_back(data[static_cast<size_t>(at)]);
    for (size_t axis = rank; axis-- > 0;) {
      if (++index[axis] < step.input_shape[static_cast<size_t>(step.perm[axis])].size()) break;
      index[axis] = 0;
    }
  }
  return result;
}

TEST(CopySteps, FewAxesAreOneStep) {
  const Dims shape = {Dim(2), Dim(3), Dim(5)};
  const std::vector<CopyStep> steps = copy_steps(shape, {2, 0, 1});
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].input_shape, shape);
  EXPECT_EQ(steps[0].perm, (Ints{2, 0, 1}));
}

TEST(CopySteps, StepsOfFewerAxesMoveTheSameElements) {
  std::mt19937 random(7);
  for (const size_t rank : {9u, 10u, 12u}) {
    for (int instance = 0; instance < 8; ++instance) {
      Dims shape(rank, Dim(2));
      shape[random() % rank] = Dim(3);
      Ints perm(rank);
      std::iota(perm.begin(), perm.end(), 0);
      std::shuffle(perm.begin(), perm.end(), random);
      std::vector<int64_t> data(size_t{3} << (rank - 1));
      std::iota(data.begin(), data.end(), 0);
      std::vector<int64_t> in_steps = data;
      const std::vector<CopyStep> steps = copy_steps(shape, perm);
      ASSERT_LE(steps.size(), rank <= 10 ? 2u : 3u);
      for (const CopyStep& step : steps) {
        ASSERT_LE(step.perm.size(), kMaxCopyAxes);
        in_steps = transposed(in_steps, step);
      }
      ASSERT_EQ(in_steps, transposed(data, {shape, perm}));
    }
  }
}

}  // namespace
}  // namespace ferryman::layout
