#include "layout/copy_steps.h"

#include <algorithm>
#include <bit>
#include <numeric>

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

// One axis goes behind the one that it follows in the end: less than kMaxCopyAxes move, and one
// axis less is left.
Ints with_one_moved(const Ints& perm) {
  Ints order(perm.size());
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = 1; i < perm.size(); ++i) {
    if (perm[i] == perm[i - 1] + 1) continue;
    std::erase(order, perm[i]);
    order.insert(std::find(order.begin(), order.end(), perm[i - 1]) + 1, perm[i]);
    break;
  }
  return order;
}

// The order between the two steps that leaves the fewest axes to either.
Ints halfway(const Dims& input_shape, const Ints& perm, const Ints& identity) {
  Ints best = with_one_moved(perm);
  size_t fewest = step_between(best, perm, input_shape).perm.size();
  for (uint32_t glued = 0; glued < uint32_t{1} << perm.size(); glued += 2) {
    if (perm.size() - static_cast<size_t>(std::popcount(glued)) > kMaxCopyAxes) continue;
    Ints between = with_glued(perm, glued);
    const size_t axes = std::max(step_between(identity, between, input_shape).perm.size(),
                                 step_between(between, perm, input_shape).perm.size());
    if (axes >= fewest) continue;
    fewest = axes;
    best = std::move(between);
  }
  return best;
}

}  // namespace

std::vector<CopyStep> copy_steps(const Dims& input_shape, const Ints& perm) {
  if (perm.size() <= kMaxCopyAxes) return {{input_shape, perm}};
  check(all_static(input_shape) && perm.size() < 32, "layout: a copy of too many axes");
  Ints identity(perm.size());
  std::iota(identity.begin(), identity.end(), 0);
  const Ints between = halfway(input_shape, perm, identity);
  std::vector<CopyStep> steps = {step_between(identity, between, input_shape)};
  const CopyStep rest = step_between(between, perm, input_shape);
  for (CopyStep& step : copy_steps(rest.input_shape, rest.perm)) steps.push_back(std::move(step));
  return steps;
}

}  // namespace ferryman::layout
