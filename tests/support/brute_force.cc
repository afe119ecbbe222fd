#include "tests/support/brute_force.h"

#include <ostream>

#include "support/check.h"

namespace ferryman::layout {

namespace {

constexpr int64_t kMaxCombinations = 4'000'000;

// Counts to the next assignment; false after the last.
bool advance(const Problem& problem, Assignment& modes) {
  for (size_t o = 0; o < modes.size(); ++o) {
    if (++modes[o] < problem.ops[o].num_modes()) return true;
    modes[o] = 0;
  }
  return false;
}

}  // namespace

Assignment brute_force(const Problem& problem) {
  int64_t combinations = 1;
  for (const ProblemOp& op : problem.ops) {
    combinations *= op.num_modes();
    check(combinations <= kMaxCombinations, "layout: instance too large for brute force");
  }
  Assignment modes(problem.ops.size(), 0);
  Assignment best = modes;
  Cost best_cost = evaluate(problem, best);
  while (advance(problem, modes)) {
    const Cost cost = evaluate(problem, modes);
    if (cost < best_cost) {
      best = modes;
      best_cost = cost;
    }
  }
  return best;
}

void PrintTo(const Cost& cost, std::ostream* out) {
  *out << cost.bytes << " bytes, " << cost.copies << " copies, awkwardness " << cost.awkwardness
       << ", " << cost.not_logical << " not logical";
}

}  // namespace ferryman::layout
