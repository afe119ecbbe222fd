// How a recurrent layer is written: step after step, or as a loop.
//
// Without a cache of weights, XNNPACK packs the constants of each operator by itself: an unrolled
// layer streams a copy of its recurrent weights for each step. A loop has one copy for each of the
// steps in its body, and pays for every iteration. So few or small steps are unrolled.
#pragma once

#include <cstdint>

#include "ops/recurrent.h"

namespace ferryman::tflite {

enum class RecurrentForm : uint8_t {
  kAuto,      // what is expected to be faster
  kUnrolled,  // always: for compilers that take no WHILE
  kLoop,      // wherever there are enough steps
};

// Both directions in one loop, with one matrix product for both: saves iterations, as long as their
// weights leave room for several steps in the cache.
bool loops_together(int64_t weight_bytes);

struct TimeLoop {
  int64_t steps_per_iteration = 0;
  int64_t iterations = 0;  // steps left over follow the loop
};

// `weight_bytes`: of the recurrent weights of all directions.
bool prefers_loop(RecurrentForm form, int64_t steps, int64_t weight_bytes);
// At least two steps per iteration and two iterations, where there are four steps. If `steps` is a
// multiple of a steps_per_iteration found before, nothing is left over.
TimeLoop time_loop(int64_t steps, int64_t weight_bytes);

}  // namespace ferryman::tflite
