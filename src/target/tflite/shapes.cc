#include "target/tflite/shapes.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>

namespace ferryman::tflite {

Shape without_units(const Shape& shape) {
  Shape result;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(result),
               [](int32_t extent) { return extent != 1; });
  return result;
}

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

}  // namespace ferryman::tflite
