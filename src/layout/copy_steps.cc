#include "layout/copy_steps.h"

#include <algorithm>
#include <optional>

#include "support/check.h"

namespace ferryman::layout {

namespace {

// `to`, as a transposition of runs of axes that follow each other in `from`, too.
CopyStep step_between(const Ints& from, const Ints& to, const Dims& extents) {
  const auto position = [&](int64_t axis) {
    return std::find(from.begin(), from.end(), axis) - from.begin();
  };
  std::vector<std::pair<long, long>> runs;  // of positions in `from`, as they come in `to`
  for (const int64_t axis : to) {
    const long at = position(axis);
    if (!runs.empty() && runs.back().second == at) {
      ++runs.back().second;
    } else {
      runs.push_back({at, at + 1});
    }
  }
  std::vector<std::pair<long, long>> in_source = runs;
  std::sort(in_source.begin(), in_source.end());
  CopyStep step;
  for (const auto& [begin, end] : in_source) {
    Dim extent = extents[static_cast<size_t>(from[static_cast<size_t>(begin)])];
    for (long k = begin + 1; k < end; ++k) {
      const size_t axis = static_cast<size_t>(from[static_cast<size_t>(k)]);
      extent = Dim(extent.size() * extents[axis].size());
    }
    step.input_shape.push_back(extent);
  }
  for (const auto& run : runs) {
    step.perm.push_back(std::find(in_source.begin(), in_source.end(), run) - in_source.begin());
  }
  return step;
}

// The axes in the order of `perm`, but those that `glued` marks right behind the one before them.
Ints with_glued(const Ints& perm, uint32_t glued) {
  Ints order;
  for (const int64_t axis : perm) {
    if ((glued >> axis & 1) != 0) continue;
    order.push_back(axis);
    for (int64_t next = axis + 1; (glued >> next & 1) != 0; ++next) order.push_back(next);
  }
  return order;
}

}  // namespace

std::vector<CopyStep> copy_steps(const Dims& input_shape, const Ints& perm) {
  if (num_copy_steps(perm.size()) == 1) return {{input_shape, perm}};
  const bool is_static = std::all_of(input_shape.begin(), input_shape.end(),
                                     [](const Dim& dim) { return dim.is_static(); });
  check(is_static && perm.size() < 32, "layout: a copy of too many axes");
  Ints identity(perm.size());
  for (size_t axis = 0; axis < perm.size(); ++axis) identity[axis] = static_cast<int64_t>(axis);
  std::vector<CopyStep> best;
  size_t fewest = SIZE_MAX;
  for (uint32_t glued = 0; glued < uint32_t{1} << perm.size(); glued += 2) {
    const Ints between = with_glued(perm, glued);
    CopyStep first = step_between(identity, between, input_shape);
    CopyStep second = step_between(between, perm, input_shape);
    const size_t axes = std::max(first.perm.size(), second.perm.size());
    if (axes >= fewest) continue;
    fewest = axes;
    best = {std::move(first), std::move(second)};
  }
  check(fewest <= kMaxCopyAxes, "layout: a copy that two transpositions cannot do");
  return best;
}

}  // namespace ferryman::layout
