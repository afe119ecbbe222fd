// Ops written in simpler ones, as far as a target asks for it.
//
//   bool keeps(const Graph& graph, const Op& op);          // what the target takes as it is
//   passes.push_back(decompose_pass("legalise_ops", "every op in a form that the target has",
//                                   keeps, std::move(rules_of_the_target)));
//
// Invariants: the decompositions (decompositions.h) say nothing of any target; what they write may
// need decomposing itself, down to ops that have no simpler form. Those that a target does not keep
// either remain, for the target to report.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "passes/rewrite.h"

namespace ferryman {

// Whether a target takes the op as it is. Asked on any graph and before any decision, so it reads
// only the op, its types and what is around it.
using Keeps = std::function<bool(const Graph&, const Op&)>;

// For each op: the target's own rules first, in their order; then, unless the target keeps it, its
// decomposition. The same for all that is written, until nothing changes.
Pass decompose_pass(std::string_view name, std::string_view purpose, Keeps keeps,
                    std::vector<Rule> own_rules);

// Before the graph is simplified: attention, logsumexp and the like, unless the target keeps them.
// Passes fold, group and narrow their parts.
Pass decompose_composites(Keeps keeps);

}  // namespace ferryman
