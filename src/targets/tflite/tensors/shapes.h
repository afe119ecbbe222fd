// Extents of tensors of the file, and what may be done with them without moving an element.
//
//   around_axis(symbols, {2, 3, 4, 5}, 1)     // {2, 3, 20}
//
// Invariants: row-major; every function keeps the number of elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/dim.h"

namespace ferryman::tflite {

using Shape = Dims;

// Of BATCH_MATMUL's operands, built-in and XNNPACK.
inline constexpr size_t kMaxMatmulRank = 5;

// XNNPACK's tensors. It leaves operators on more axes to the built-in kernels, but for SOFTMAX,
// FULLY_CONNECTED, CONCATENATION, SUM and MEAN, which it takes on and then fails to prepare.
inline constexpr size_t kMaxDelegatedRank = 6;

// [what stands before the axis, its extent, what stands behind it].
Shape around_axis(SymbolTable& symbols, const Shape& shape, size_t axis);
// [rows, extent of the last axis]
Shape as_rows(SymbolTable& symbols, const Shape& shape);

// An axis that an operator treats in one of two ways: reduces or keeps, repeats or not.
struct MarkedAxis {
  Dim extent = 1;
  bool is_marked = false;
};

// The marks of the axes of `shape`, which has the same elements in other groups; axes of size 1
// have none. Nothing if a group would take elements of both kinds:
//   marks_in_shape(symbols, {{4, false}, {6, false}, {5, true}}, {24, 5})    // {false, true}
std::optional<std::vector<bool>> marks_in_shape(SymbolTable& symbols,
                                                const std::vector<MarkedAxis>& axes,
                                                const Shape& shape);

}  // namespace ferryman::tflite
