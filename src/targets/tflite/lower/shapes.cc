#include "targets/tflite/lower/shapes.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>

namespace ferryman::tflite {

Shape around_axis(const Shape& shape, size_t axis) {
  const auto at = shape.begin() + static_cast<ptrdiff_t>(axis);
  const auto product = [](auto begin, auto end) {
    return std::accumulate(begin, end, int32_t{1}, std::multiplies<>());
  };
  return {product(shape.begin(), at), *at, product(at + 1, shape.end())};
}

Shape as_rows(const Shape& shape) {
  Shape rows = around_axis(shape, shape.size() - 1);
  rows.pop_back();
  return rows;
}

std::optional<std::vector<bool>> marks_in_shape(const std::vector<MarkedAxis>& axes,
                                                const Shape& shape) {
  std::vector<MarkedAxis> runs;  // of neighbours with the same mark
  for (const MarkedAxis& axis : axes) {
    if (axis.extent == 1) continue;
    if (!runs.empty() && runs.back().is_marked == axis.is_marked) {
      runs.back().extent *= axis.extent;
    } else {
      runs.push_back(axis);
    }
  }
  std::vector<bool> marks;
  size_t at = 0;
  for (const int32_t extent : shape) {
    if (extent == 1) {
      marks.push_back(false);
      continue;
    }
    while (at < runs.size() && runs[at].extent == 1) ++at;
    if (at == runs.size() || extent == 0 || runs[at].extent % extent != 0) return std::nullopt;
    runs[at].extent /= extent;
    marks.push_back(runs[at].is_marked);
  }
  return marks;
}

}  // namespace ferryman::tflite
