// What folding costs where weights are shared. A fold that multiplies into a constant which another
// op reads as it is makes the file hold both.
//
// The rule, in bytes: a fold may store a copy if that has at most an eighth of the bytes which the
// operators that it leaves out would read and write in a run, or at most a kilobyte.
//
//   const auto why = why_not_twice(graph, conv, moved_bytes(graph, bn.result()), is_alike);
//   if (why.has_value()) return Refused{*why};
//
// Constants are one where their elements are equal in memory, whatever the order of their axes:
// tied weights, a weight and its transpose.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "ir/graph.h"

namespace ferryman {

// A byte that is stored counts as much as so many that are moved in each run.
inline constexpr int64_t kMovedPerStoredByte = 8;
// The operator and its constants have some hundred bytes in the file themselves.
inline constexpr int64_t kSmallCopyBytes = 1024;

// What an operator that makes `result` from an activation of its size reads and writes.
int64_t moved_bytes(const Graph& graph, ValueId result);

// Why no other weight may be made for the layer (operand 1 of it); nothing if it may. `is_alike`
// tells of another layer with that weight whether the fold changes it in the same way: equal copies
// are stored once.
std::optional<std::string> why_not_twice(const Graph& graph, OpId layer, int64_t moved,
                                         const std::function<bool(OpId)>& is_alike);

}  // namespace ferryman
