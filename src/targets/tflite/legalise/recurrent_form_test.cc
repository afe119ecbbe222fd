#include "targets/tflite/legalise/recurrent_form.h"

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

TimeLoop loop_of(int64_t steps, int64_t kilobytes, int64_t outputs) {
  return time_loop({steps, kilobytes * kKilobyte, outputs * 4});
}

int64_t steps_of(const TimeLoop& loop) {
  SymbolTable symbols;
  return loop.steps(symbols).size();
}

TEST(RecurrentForm, IterationsFillTheLoopsAgainWithoutTheRest) {
  for (const int64_t kilobytes : {0, 1, 48, 192, 4096}) {
    for (const int64_t outputs : {1, 128, 20000}) {
      for (int64_t steps = 2; steps < 1500; steps += steps < 200 ? 1 : 7) {
        const TimeLoop loop = loop_of(steps, kilobytes, outputs);
        EXPECT_GE(loop.iterations.size(), 2) << steps;
        const TimeLoop again = loop_of(steps_of(loop), kilobytes, outputs);
        EXPECT_EQ(steps_of(again), steps_of(loop)) << steps;
      }
    }
  }
}

TEST(RecurrentForm, ABodyHoldsAsManyStepsAsTheCache) {
  EXPECT_EQ(loop_of(100, 48, 64).steps_per_iteration, 5);
  EXPECT_EQ(loop_of(100, 192, 128).steps_per_iteration, 2);
  EXPECT_EQ(loop_of(100, 4096, 128).steps_per_iteration, 1);
}

TEST(RecurrentForm, OutputsOfALongSequenceAreStoredInParts) {
  EXPECT_EQ(loop_of(20, 192, 128).loops, 1);
  EXPECT_GE(loop_of(500, 192, 128).loops, 5);
  EXPECT_LE(loop_of(500, 192, 128).loops, 25);
}

TEST(RecurrentForm, FewStepsAreLeftOver) {
  EXPECT_EQ(steps_of(loop_of(500, 192, 128)), 500);
  EXPECT_EQ(steps_of(loop_of(100, 48, 64)), 100);
  EXPECT_LE(997 - steps_of(loop_of(997, 192, 128)), 8);
}

}  // namespace
}  // namespace ferryman::tflite
