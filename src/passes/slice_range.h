// What a slice op takes along each axis, with the arithmetic that joins slices.
//
//   std::optional<SliceRanges> ranges = slice_ranges(graph, op);   // empty if a size is symbolic
//   ValueId y = rewriter.create(ops::kSlice, {x}, slice_attrs(*ranges));
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"
#include "support/small_vector.h"

namespace ferryman {

// Indices start, start + step, …: `count` of them.
struct SliceRange {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
  bool operator==(const SliceRange&) const = default;

  int64_t end() const { return count == 0 ? start : start + (count - 1) * step + 1; }
};
using SliceRanges = SmallVector<SliceRange, 6>;

// One element has step 1, and none starts at 0, so that equal pieces are spelled alike.
std::optional<SliceRanges> slice_ranges(const Graph& graph, const Op& slice);
// All of a tensor with static dims.
SliceRanges whole(const Ints& sizes);
std::vector<NamedAttr> slice_attrs(const SliceRanges& ranges);
// The axis along which a slice takes less than all; none if there are several or none.
std::optional<size_t> sliced_axis(const Graph& graph, const Op& slice);

}  // namespace ferryman
