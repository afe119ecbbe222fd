#include "passes/slice_range.h"

#include "ops/attrs.h"

namespace ferryman {

std::optional<SliceRanges> slice_ranges(const Graph& graph, const Op& slice) {
  const Dims& result = graph.type(slice.result()).dims;
  const Dims& from = graph.type(slice.operands[0]).dims;
  SliceRanges ranges;
  for (size_t axis = 0; axis < result.size(); ++axis) {
    const Dim start = slice.attr(attr::kStarts).values[axis];
    SliceRange range = {0, slice.attr(attr::kSteps).values[axis], result[axis]};
    const bool is_whole = start == Dim(0) && range.step == 1 && result[axis] == from[axis];
    if (!is_whole && (!from[axis].is_static() || !start.is_static() || range.is_free()))
      return std::nullopt;
    if (start.is_static()) range.start = start.size();
    if (range.count == Dim(0)) range.start = 0;
    if (range.count == Dim(0) || range.count == Dim(1)) range.step = 1;
    ranges.push_back(range);
  }
  return ranges;
}

SliceRanges whole(const Dims& dims) {
  SliceRanges ranges;
  for (const Dim dim : dims) ranges.push_back({0, 1, dim});
  return ranges;
}

std::vector<NamedAttr> slice_attrs(const SliceRanges& ranges) {
  AxisSizes starts, ends;
  PerAxis steps;
  for (const SliceRange& range : ranges) {
    starts.values.push_back(range.start);
    ends.values.push_back(range.end());
    steps.values.push_back(range.step);
  }
  return {{attr::kStarts, starts}, {attr::kEnds, ends}, {attr::kSteps, steps}};
}

std::optional<size_t> sliced_axis(const Graph& graph, const Op& slice) {
  const Dims& from = graph.type(slice.operands[0]).dims;
  const Dims& to = graph.type(slice.result()).dims;
  std::optional<size_t> found;
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] == to[axis]) continue;
    if (found.has_value()) return std::nullopt;
    found = axis;
  }
  return found;
}

}  // namespace ferryman
