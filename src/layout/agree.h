// Fewer decisions where a plan is known: a value that costs more to copy than that whole plan
// exists in one order in every better plan. So the ops around it agree on its label, and those that
// then decide the same thing are one op.
//
//   const AgreedProblem agreed = agree(problem, known.cost.bytes);
//   … solve agreed.problem, which has every plan that is not dearer …
//   const Assignment modes = agreed.modes_of(assignment);
#pragma once

#include <vector>

#include "layout/solve/problem.h"

namespace ferryman::layout {

struct AgreedProblem {
  Problem problem;
  // Per op of `problem`: ops of the original, and for each mode theirs (rows of members.size()).
  std::vector<std::vector<int>> members;
  std::vector<std::vector<int>> member_modes;

  Assignment modes_of(const Assignment& assignment) const;
};

// `bytes` is what some assignment moves.
AgreedProblem agree(const Problem& problem, int64_t bytes);

}  // namespace ferryman::layout
