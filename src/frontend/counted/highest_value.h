// The most that whole numbers of a graph can be, by the ops that made them: positions, remainders,
// clamped and small types.
//
//   highest_value(graph, argmax)   // 9, along an axis of 10
#pragma once

#include <optional>

#include "ir/graph.h"

namespace ferryman::frontend {

// Empty: nothing bounds them.
std::optional<int64_t> highest_value(const Graph& graph, ValueId value);

}  // namespace ferryman::frontend
