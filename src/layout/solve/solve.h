// The best layout assignment, and how good it provably is.
//
//   Solution solution = solve(problem);
//   if (!solution.proven) warn(solution.cost.bytes - solution.lower_bound);
//
// Ops with one mode are taken out first; what remains falls into components that are solved apart:
// by elimination within growing limits (exact), by one minimum cut where two assignments say it all
// (exact), otherwise by alpha-expansion with a lower bound. The same problem always gives the same
// solution.
#pragma once

#include <span>

#include "layout/solve/eliminate.h"
#include "layout/solve/problem.h"

namespace ferryman::layout {

struct Solution {
  Assignment modes;
  Cost cost;
  int64_t lower_bound = 0;  // bytes that every assignment moves; == cost.bytes when proven
  bool proven = true;
};

Solution solve(const Problem& problem);
// Small limits, or none, force the later solvers, for tests and benchmarks.
Solution solve(const Problem& problem, std::span<const EliminationLimits> levels);

}  // namespace ferryman::layout
