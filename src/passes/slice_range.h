// What a slice op takes along each axis, with the arithmetic that joins slices.
//
//   std::optional<SliceRanges> ranges = slice_ranges(graph, op);   // empty if a part of a free
//   axis ValueId y = rewriter.create(ops::kSlice, {x}, slice_attrs(*ranges));
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"
#include "support/small_vector.h"

namespace ferryman {

// Indices start, start + step, …: `count` of them. A count that is free is all of its axis.
struct SliceRange {
  int64_t start = 0;
  int64_t step = 1;
  Dim count = 0;
  bool operator==(const SliceRange&) const = default;

  bool is_free() const { return !count.is_static(); }
  Dim end() const {
    if (is_free()) return count;
    return count == Dim(0) ? start : start + (count.size() - 1) * step + 1;
  }
};
using SliceRanges = SmallVector<SliceRange, 6>;

// One element has step 1, and none starts at 0, so that equal pieces are spelled alike.
std::optional<SliceRanges> slice_ranges(const Graph& graph, const Op& slice);
// All of a tensor.
SliceRanges whole(const Dims& dims);
std::vector<NamedAttr> slice_attrs(const SliceRanges& ranges);
// The axis along which a slice takes less than all; none if there are several or none.
std::optional<size_t> sliced_axis(const Graph& graph, const Op& slice);

}  // namespace ferryman
