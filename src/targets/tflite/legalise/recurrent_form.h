// How a recurrent layer is written: step after step, or as a loop.
//
// Without a cache of weights, XNNPACK packs the constants of each operator by itself: an unrolled
// layer streams a copy of its recurrent weights for each step. A loop has one copy for each of the
// steps in its body, and pays for every iteration. So few or small steps are unrolled.
#pragma once

#include <cstdint>

#include "passes/choices.h"
#include "passes/decompose/recurrent.h"

namespace ferryman::tflite {

// Both directions in one loop, with one matrix product for both: saves iterations, as long as their
// weights leave room for several steps in the cache.
bool loops_together(int64_t weight_bytes);

struct LoopSizes {
  int64_t steps = 0;
  int64_t weight_bytes = 0;  // of the recurrent weights of all directions
  int64_t output_bytes = 0;  // what a step stores
};

// `weight_bytes`: of the recurrent weights of all directions.
bool prefers_loop(RecurrentForm form, int64_t steps, int64_t weight_bytes);
// At least two iterations, where there are two steps. For the steps() of a loop found before,
// nothing is left over.
TimeLoop time_loop(const LoopSizes& sizes);

// All of it: how a layer is written. One whose weights are computed is unrolled, as the body of a
// loop has them as constants.
std::optional<RecurrentPlan> plan_recurrent(RecurrentForm form, const Graph& graph,
                                            const RecurrentLayer& layer);

}  // namespace ferryman::tflite
