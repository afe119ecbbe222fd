#include "targets/tflite/legalise/recurrent_form.h"

#include <algorithm>

#include "passes/match.h"

namespace ferryman::tflite {

namespace {

constexpr int64_t kMinLoopSteps = 4;
// Measured on a core with 512 kB of second-level cache: packed weights of an unrolled layer beyond
// this stream from memory in every run.
constexpr int64_t kMaxUnrolledBytes = int64_t{6} << 20;
// However small the weights are, thousands of operators take longer than some hundred iterations.
constexpr int64_t kMaxUnrolledSteps = 256;
// Weights of all steps of a body should stay in the second-level cache from one iteration to the
// next.
constexpr int64_t kMaxBodyBytes = 640 << 10;
constexpr int64_t kMaxBodySteps = 8;
constexpr int64_t kMaxLoops = 64;
constexpr int64_t kMinIterations = 2;
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

namespace {

// What the runtime adds to the steps themselves, in nanoseconds, as measured on GRUs of 64 and 128
// units and 100 to 500 steps. WHILE copies the outputs stored so far in every iteration, so their
// cost grows with the square of a loop's length.
constexpr int64_t kIteration = 600;
constexpr int64_t kLoop = 2000, kLoopPerStep = 1500;  // memory of the body is allocated anew
constexpr int64_t kCopiedBytesPerNanosecond = 60;
// A step that is left over is a bit of an unrolled layer.
constexpr int64_t kStepAfterLoop = 5000;
constexpr int64_t kStreamedBytesPerNanosecond = 20;

int64_t overhead(const TimeLoop& loop, const LoopSizes& sizes) {
  const int64_t steps = loop.iterations.size() * loop.steps_per_iteration;  // of one loop
  const int64_t iterations = loop.loops * loop.iterations.size();
  const int64_t stored = steps * sizes.output_bytes;
  const int64_t rest = sizes.steps - loop.loops * steps;
  return iterations * (kIteration + stored / kCopiedBytesPerNanosecond) +
         loop.loops * (kLoop + kLoopPerStep * loop.steps_per_iteration) +
         rest * (kStepAfterLoop + sizes.weight_bytes / kStreamedBytesPerNanosecond);
}

}  // namespace

TimeLoop time_loop(const LoopSizes& sizes) {
  const int64_t fitting = kMaxBodyBytes / std::max<int64_t>(sizes.weight_bytes, 1);
  const int64_t most = std::clamp<int64_t>(fitting, 1, kMaxBodySteps);
  TimeLoop best = {1, sizes.steps, 1};
  for (int64_t count = 1; count <= most; ++count) {
    for (int64_t loops = 1; loops <= kMaxLoops; ++loops) {
      const TimeLoop loop = {count, sizes.steps / (count * loops), loops};
      if (loop.iterations.size() < kMinIterations) break;
      if (overhead(loop, sizes) < overhead(best, sizes)) best = loop;
    }
  }
  return best;
}

namespace {

bool has_constant_weights(const Graph& graph, const RecurrentLayer& layer) {
  const auto is_known = [&](ValueId value) {
    return !value.valid() || is_known_constant(graph, value);
  };
  return is_known(layer.w_hh) && is_known(layer.b_hh) && is_known(layer.w_hr);
}

}  // namespace

std::optional<RecurrentPlan> plan_recurrent(RecurrentForm form, const Graph& graph,
                                            const RecurrentLayer& layer) {
  const RecurrentSizes& sizes = layer.sizes;
  const ferryman::TensorType& w_hh = graph.type(layer.w_hh);
  const auto elem_bytes = static_cast<int64_t>(byte_size(w_hh.dtype));
  const int64_t bytes = num_elements(w_hh.dims) * elem_bytes;
  const bool together = loops_together(bytes);
  // A loop of one step at a time takes any number of them.
  if (!sizes.steps.is_static())
    return RecurrentPlan{.loop = {1, sizes.steps, 1}, .directions_together = together};
  if (!has_constant_weights(graph, layer) || !prefers_loop(form, sizes.steps.size(), bytes))
    return std::nullopt;
  const int64_t directions = together ? sizes.directions : 1;
  return RecurrentPlan{
      .loop = time_loop({.steps = sizes.steps.size(),
                         .weight_bytes = bytes / sizes.directions * directions,
                         .output_bytes = directions * graph.symbols().hint(sizes.batch) *
                                         sizes.outputs * elem_bytes}),
      .directions_together = together};
}

}  // namespace ferryman::tflite
