// Ops that branch and loop. Each runs bodies, closed graphs that it names in its attributes:
//
//   if(condition, x…) {then, else}      one of the two, on all x; both give the results.
//   while(carried…, fixed…) {condition, body}
//       as long as `condition` of all operands is true, `body` of all of them gives the carried
//       ones anew. The results are the carried ones at the end; there may be no iteration.
//   scan(carried…, sequences…, fixed…) {body, carried, sequences, reverse}
//       for each position of the first axis of all sequences, from the first or from the last:
//       `body` of the carried ones, the entries there and the fixed ones gives the carried ones
//       anew, then entries of its own. The results are the carried ones at the end, then the
//       entries, stacked by position.
//
//   for (const BodyLinks& links : body_links(graph, op))     // what is what, for any of them
//     graph.body(links.body);
#pragma once

#include <vector>

#include "ir/graph.h"

namespace ferryman {

// An input or output of a body and the operand or result that it is.
struct BodyPort {
  static constexpr uint32_t kNowhere = UINT32_MAX;
  uint32_t index = kNowhere;  // of the op's operands, or of its results; kNowhere: a condition
  bool is_entry = false;      // one position of the first axis of that tensor
};

struct BodyLinks {
  BodyId body;
  std::vector<BodyPort> inputs;   // operands
  std::vector<BodyPort> outputs;  // results
};

// Of each body that the op names, in the order of its attributes; empty for other ops.
std::vector<BodyLinks> body_links(const Graph& graph, OpId op);

// What is expected of all runs of an op's bodies, of `each` being what one run of each body costs:
// a branch is taken in half of the runs, a loop does as many iterations as its sequences have
// entries, or a few.
int64_t expected_of_bodies(const Graph& graph, OpId op, int64_t each);

// How many of a loop's operands each iteration gives anew.
size_t num_carried(const Graph& graph, OpId op);

}  // namespace ferryman
