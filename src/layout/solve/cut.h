// Minimum cuts for components that are too entangled for elimination.
//
// `fuse` lets every op either keep its mode or take the proposed one, and finds the best of these
// 2^n combinations by a minimum cut. With two labels and the two uniform assignments this is
// Lawler's exact hypergraph cut; with a proposal "label a wherever possible" it is the expansion
// step of alpha-expansion, where each label that disappears from a value saves its cost.
//
//   Fusion fusion = fuse(problem, current, proposal.modes);
//   if (evaluate(problem, fusion.modes) < evaluate(problem, current)) current = fusion.modes;
#pragma once

#include "layout/solve/problem.h"

namespace ferryman::layout {

// One label per value, as far as it can be carried through the ops from where it starts.
struct Proposal {
  std::vector<int> labels;  // per value; -1 where it could not be carried
  Assignment modes;         // per op; -1 where no mode fits the labels
};

// Starts from (value, label) and spreads through ops by their first fitting mode.
Proposal propose(const Problem& problem, int value, int label);

// Proposals that together cover every label of every value, in a fixed order.
std::vector<Proposal> propose_all(const Problem& problem);

enum class Exactness : uint8_t { kExact, kOverestimated };

struct Fusion {
  Assignment modes;
  Exactness exactness;  // kExact: no combination of the two is better
};

// `proposed` may hold -1 for ops that keep their mode.
Fusion fuse(const Problem& problem, const Assignment& current, const Assignment& proposed);

// A bound that no assignment can beat: half the sum, over proposals with disjoint labels, of the
// cheapest way to separate where the proposal's label is used from where it is not. A value with
// k >= 2 labels is cut at most k times and pays k - 1 >= k / 2.
int64_t isolating_bound(const Problem& problem, const std::vector<Proposal>& proposals);

}  // namespace ferryman::layout
