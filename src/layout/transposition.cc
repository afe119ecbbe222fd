#include "layout/transposition.h"

#include <algorithm>
#include <iterator>

namespace ferryman::layout {

namespace {

std::vector<size_t> axes_of_size(const Dims& shape, bool unit) {
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if ((shape[axis] == Dim(1)) == unit) axes.push_back(axis);
  }
  return axes;
}

// perm among the axes that are not 1
std::vector<size_t> order_without_units(const Dims& shape, const Ints& perm) {
  const std::vector<size_t> axes = axes_of_size(shape, false);
  std::vector<size_t> order;
  for (const int64_t axis : perm) {
    const auto at = std::find(axes.begin(), axes.end(), static_cast<size_t>(axis));
    if (at != axes.end()) order.push_back(static_cast<size_t>(at - axes.begin()));
  }
  return order;
}

}  // namespace

Dims without_units(const Dims& shape) {
  Dims result;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(result),
               [](Dim extent) { return extent != Dim(1); });
  return result;
}

Transposition transposition(const Dims& input_shape, const Ints& perm, const Dims& lying,
                            const Dims& wanted, size_t max_rank) {
  const std::vector<size_t> order = order_without_units(input_shape, perm);
  const Dims extents = without_units(input_shape);
  Dims transposed;
  for (const size_t axis : order) transposed.push_back(extents[axis]);
  const bool is_wanted = without_units(wanted) == transposed && wanted.size() <= max_rank;

  Transposition result;
  const bool lies_so = without_units(lying) == extents && lying.size() <= max_rank;
  result.input_shape = lies_so ? lying : extents;
  const size_t wanted_units = wanted.size() - without_units(wanted).size();
  if (!lies_so && is_wanted) result.input_shape.insert(result.input_shape.begin(), wanted_units, 1);

  const std::vector<size_t> axes = axes_of_size(result.input_shape, false);
  const std::vector<size_t> units = axes_of_size(result.input_shape, true);
  Dims target = transposed;
  if (is_wanted && units.size() == wanted_units) {
    target = wanted;
  } else {
    target.insert(target.begin(), units.size(), 1);
  }
  size_t next_unit = 0;
  size_t next_axis = 0;
  for (const Dim extent : target) {
    const size_t axis = extent == Dim(1) ? units[next_unit++] : axes[order[next_axis++]];
    result.perm.push_back(static_cast<int64_t>(axis));
  }
  return result;
}

}  // namespace ferryman::layout
