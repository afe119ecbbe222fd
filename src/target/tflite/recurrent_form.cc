#include "target/tflite/recurrent_form.h"

#include <algorithm>

namespace ferryman::tflite {

namespace {

constexpr int64_t kMinLoopSteps = 4;
// Measured on a core with 512 kB of second-level cache: packed weights of an unrolled layer beyond
// this stream from memory in every run.
constexpr int64_t kMaxUnrolledBytes = int64_t{6} << 20;
// However small the weights are, thousands of operators take longer than some hundred iterations.
constexpr int64_t kMaxUnrolledSteps = 256;
// Weights of all steps of a body should stay in the second-level cache from one iteration to the
// next; what is a little too much for half a megabyte is still better than one step at a time.
constexpr int64_t kMaxBodyBytes = 640 << 10;
constexpr int64_t kMaxBodySteps = 10;
constexpr int64_t kMinStepsTogether = 4;

}  // namespace

bool prefers_loop(RecurrentForm form, int64_t steps, int64_t weight_bytes) {
  if (form == RecurrentForm::kUnrolled || steps < kMinLoopSteps) return false;
  if (form == RecurrentForm::kLoop) return true;
  return steps > kMaxUnrolledSteps || weight_bytes > kMaxUnrolledBytes / steps;
}

bool loops_together(int64_t weight_bytes) {
  return weight_bytes * kMinStepsTogether <= kMaxBodyBytes;
}

TimeLoop time_loop(int64_t steps, int64_t weight_bytes) {
  const int64_t fitting = kMaxBodyBytes / std::max<int64_t>(weight_bytes, 1);
  int64_t most = std::clamp<int64_t>(fitting, 2, kMaxBodySteps);
  // The largest divisor if it is not much smaller than what fits, since steps that are left over
  // have weights of their own.
  most = std::min(most, steps / 2);
  for (int64_t count = most; count >= 2 && 2 * count >= most; --count) {
    if (steps % count == 0) return {count, steps / count};
  }
  return {most, steps / most};
}

}  // namespace ferryman::tflite
