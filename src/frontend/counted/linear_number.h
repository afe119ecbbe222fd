// A whole number of the graph as a sum of multiples of others that are not known, and a constant:
// the number of entries of x[at:at + 5] follows from it.
//
//   distance(graph, at, at_plus_5)     // 5
//
// It looks through casts between whole numbers and reshapes of one element.
#pragma once

#include <optional>

#include "ir/graph.h"

namespace ferryman::frontend {

// end - begin, where that is one number whatever the inputs are.
std::optional<int64_t> distance(const Graph& graph, ValueId begin, ValueId end);

}  // namespace ferryman::frontend
