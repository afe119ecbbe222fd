#include "target/tflite/recurrent_form.h"

#include <gtest/gtest.h>

namespace ferryman::tflite {
namespace {

constexpr int64_t kKilobyte = 1024;

TEST(RecurrentForm, FewOrSmallStepsAreUnrolled) {
  const auto loops = [](int64_t steps, int64_t kilobytes) {
    return prefers_loop(RecurrentForm::kAuto, steps, kilobytes * kKilobyte);
  };
  EXPECT_FALSE(loops(24, 192));  // gru, 128 wide
  EXPECT_TRUE(loops(48, 192));
  EXPECT_FALSE(loops(48, 48));
  EXPECT_TRUE(loops(100, 512));  // lstm, 128 wide, both directions
  EXPECT_FALSE(loops(200, 1));
  EXPECT_TRUE(loops(2000, 1));  // many operators
  EXPECT_FALSE(loops(1, 1 << 20));
}

TEST(RecurrentForm, TheUserMayChoose) {
  EXPECT_FALSE(prefers_loop(RecurrentForm::kUnrolled, 1000, 1 << 20));
  EXPECT_TRUE(prefers_loop(RecurrentForm::kLoop, 4, 16));
  EXPECT_FALSE(prefers_loop(RecurrentForm::kLoop, 3, 16));
}

TEST(RecurrentForm, IterationsFillTheLoopAgainWithoutTheRest) {
  for (const int64_t bytes : {int64_t{64}, 48 * kKilobyte, 192 * kKilobyte, 4096 * kKilobyte}) {
    for (int64_t steps = 4; steps < 300; ++steps) {
      const TimeLoop loop = time_loop(steps, bytes);
      const int64_t looped = loop.steps_per_iteration * loop.iterations;
      EXPECT_GE(loop.steps_per_iteration, 2) << steps;
      EXPECT_GE(loop.iterations, 2) << steps;
      EXPECT_LT(steps - looped, loop.steps_per_iteration) << steps;
      const TimeLoop again = time_loop(looped, bytes);
      EXPECT_EQ(again.steps_per_iteration * again.iterations, looped) << steps;
    }
  }
}

TEST(RecurrentForm, ABodyHoldsAsManyStepsAsTheCache) {
  EXPECT_EQ(time_loop(100, 16 * kKilobyte).steps_per_iteration, 10);
  EXPECT_EQ(time_loop(100, 96 * kKilobyte).steps_per_iteration, 5);
  EXPECT_EQ(time_loop(100, 256 * kKilobyte).steps_per_iteration, 2);
  EXPECT_EQ(time_loop(101, 96 * kKilobyte).steps_per_iteration, 6);
}

}  // namespace
}  // namespace ferryman::tflite
