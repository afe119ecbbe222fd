// How a recurrent layer is written: step after step, or as a loop.
//
// Without a cache of weights, XNNPACK packs the constants of each operator by itself: an unrolled
// layer streams a copy of its recurrent weights for each step. A loop has one copy for each of the
// steps in its body, and pays for every iteration. So few or small steps are unrolled.
#pragma once

#include <cstdint>

#include "ops/recurrent.h"
#include "passes/choices.h"

namespace ferryman::tflite {

// Both directions in one loop, with one matrix product for both: saves iterations, as long as their
// weights leave room for several steps in the cache.
bool loops_together(int64_t weight_bytes);

struct LoopSizes {
  int64_t steps = 0;
  int64_t weight_bytes = 0;  // of the recurrent weights of all directions
  int64_t output_bytes = 0;  // what a step stores
};

// `w_hh` is the type of the recurrent weights.
LoopSizes loop_sizes(const RecurrentSizes& sizes, const ferryman::TensorType& w_hh);

// Several loops, one after the other, call the same body.
struct TimeLoop {
  int64_t steps_per_iteration = 0;
  int64_t iterations = 0;  // of each loop
  int64_t loops = 0;

  int64_t steps() const { return loops * iterations * steps_per_iteration; }  // the rest follows
};

// `weight_bytes`: of the recurrent weights of all directions.
bool prefers_loop(RecurrentForm form, int64_t steps, int64_t weight_bytes);
// At least two iterations, where there are two steps. For the steps() of a loop found before,
// nothing is left over.
TimeLoop time_loop(const LoopSizes& sizes);

}  // namespace ferryman::tflite
