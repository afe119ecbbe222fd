// Exact solution by bucket elimination: variables leave one at a time, each replaced by a table of
// its best cost over the variables that it touched. One or two neighbours left (the R1 and R2
// reductions of PBQP) cost next to nothing, and that is what most networks consist of.
//
//   if (std::optional<Assignment> exact = eliminate(component, {})) return *exact;
#pragma once

#include <cstddef>
#include <optional>

#include "layout/problem.h"

namespace ferryman::layout {

struct EliminationLimits {
  size_t max_table_cells = size_t{1} << 16;  // 8 variables with 4 states, 16 with 2
};

// The best assignment, or nothing when some table would become too large.
std::optional<Assignment> eliminate(const Problem& problem, const EliminationLimits& limits);

}  // namespace ferryman::layout
