#include "passes/slice_range.h"

#include "ops/attrs.h"

namespace ferryman {

std::optional<SliceRanges> slice_ranges(const Graph& graph, const Op& slice) {
  const Dims& result = graph.type(slice.result()).dims;
  if (!all_static(result) || !all_static(graph.type(slice.operands[0]).dims)) return std::nullopt;
  SliceRanges ranges;
  for (size_t axis = 0; axis < result.size(); ++axis) {
    SliceRange range = {slice.attr(attr::kStarts).values[axis],
                        slice.attr(attr::kSteps).values[axis], result[axis].size()};
    if (range.count <= 1) range.step = 1;
    if (range.count == 0) range.start = 0;
    ranges.push_back(range);
  }
  return ranges;
}

SliceRanges whole(const Ints& sizes) {
  SliceRanges ranges;
  for (const int64_t size : sizes) ranges.push_back({0, 1, size});
  return ranges;
}

std::vector<NamedAttr> slice_attrs(const SliceRanges& ranges) {
  PerAxis starts, ends, steps;
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
