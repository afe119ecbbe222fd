// Exact solution by bucket elimination: variables leave one at a time, each replaced by a table of
// its best cost over the variables that it touched. One or two neighbours left (the R1 and R2
// reductions of PBQP) cost next to nothing, and that is what most networks consist of.
//
//   const std::optional<Eliminated> best = eliminate(component, {});
//   if (best && evaluate(component, best->modes).bytes == best->bound) …   // no plan is better
#pragma once

#include <cstddef>
#include <optional>

#include "layout/solve/problem.h"

namespace ferryman::layout {

struct EliminationLimits {
  size_t max_table_cells = size_t{1} << 16;  // 8 variables with 4 states, 16 with 2
  // Sets of labels of one value that are told apart. Small sets suffice nearly always: it begins
  // with as few, and goes on where they turn out not to.
  size_t max_sets = 1024;
};

struct Eliminated {
  Assignment modes;
  // No assignment moves fewer bytes. Met by `modes` unless some value would be used under more
  // labels than max_sets allows to tell apart.
  int64_t bound = 0;
};

// Nothing if some table would become too large.
std::optional<Eliminated> eliminate(const Problem& problem, const EliminationLimits& limits);

}  // namespace ferryman::layout
