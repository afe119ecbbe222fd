// The second result of max pooling: where in its plane the largest element of each window stands.
//
//   const TapsAt taps = [&](const Ints& out) { return window.taps_at(in_sizes, out); };
//   const ValueId indices = emit_pool_indices(write, x, out_sizes, taps);
#pragma once

#include "ops/spatial/window.h"

namespace ferryman {

// int64, of the first of equal elements. x is [N, C, spatial…] or lacks N.
//
// Where sizes are free, the elements under the windows along one axis are [windows, width] int32
// positions, in order; what would lie outside stands for a neighbour under the same window.
struct AxisWindows {
  ValueId positions;
  Dim count, width;
  ValueId is_inside;  // of windows that adapt: bool, [windows, width]
};
// Of a window that moves, of one that adapts.
AxisWindows moved_windows(CoreWriter write, Dim size, Dim count, const Window& window, size_t axis);
AxisWindows adaptive_windows(CoreWriter write, Dim size, Dim count);
ValueId emit_free_pool_indices(CoreWriter write, ValueId x, const std::vector<AxisWindows>& axes);

ValueId emit_pool_indices(CoreWriter write, ValueId x, const Ints& out_sizes,
                          const TapsAt& taps_at);

// The elements of the planes of x at such indices.
ValueId emit_pooled_elements(CoreWriter write, ValueId x, ValueId indices, size_t spatial_rank);

// fractional_max_pool*, max_pool*_with_indices_backward (pool_indices.cc)
void add_pool_index_imports(ImportTable& imports);

}  // namespace ferryman
