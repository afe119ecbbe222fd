#include "targets/tflite/tensors/shapes.h"

#include <algorithm>

namespace ferryman::tflite {

Shape around_axis(SymbolTable& symbols, const Shape& shape, size_t axis) {
  const auto at = shape.begin() + static_cast<ptrdiff_t>(axis);
  return {symbols.product(Shape(shape.begin(), at)), *at,
          symbols.product(Shape(at + 1, shape.end()))};
}

Shape as_rows(SymbolTable& symbols, const Shape& shape) {
  Shape rows = around_axis(symbols, shape, shape.size() - 1);
  rows.pop_back();
  return rows;
}

std::optional<std::vector<bool>> marks_in_shape(SymbolTable& symbols,
                                                const std::vector<MarkedAxis>& axes,
                                                const Shape& shape) {
  std::vector<MarkedAxis> runs;  // of neighbours with the same mark
  for (const MarkedAxis& axis : axes) {
    if (axis.extent == Dim(1)) continue;
    if (!runs.empty() && runs.back().is_marked == axis.is_marked) {
      runs.back().extent = symbols.mul(runs.back().extent, axis.extent);
    } else {
      runs.push_back(axis);
    }
  }
  std::vector<bool> marks;
  size_t at = 0;
  for (const Dim extent : shape) {
    if (extent == Dim(1)) {
      marks.push_back(false);
      continue;
    }
    while (at < runs.size() && runs[at].extent == Dim(1)) ++at;
    if (at == runs.size()) return std::nullopt;
    const std::optional<Dim> rest = symbols.exact_quotient(runs[at].extent, extent);
    if (!rest.has_value()) return std::nullopt;
    runs[at].extent = *rest;
    marks.push_back(runs[at].is_marked);
  }
  return marks;
}

}  // namespace ferryman::tflite
