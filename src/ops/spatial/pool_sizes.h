// The size rules of torch's pooling, exactly: the last window of ceil_mode, the divisor of
// avg_pool, the uneven windows of adaptive pooling.
//
//   window.padding_after[axis] = ceil_mode_padding(window, axis, size);
//   const Span rows = adaptive_span(/*in=*/7, /*out=*/3, /*index=*/1);   // [2, 5)
#pragma once

#include "ops/spatial/window.h"

namespace ferryman {

// Elements [begin, end) of an axis.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
};

Span adaptive_span(int64_t in_size, int64_t out_size, int64_t index);
// The taps of an adaptive window: elements [i * in // out, ceil((i + 1) * in / out)) of each axis.
std::vector<Tap> adaptive_taps(const Ints& in_sizes, const Ints& out_sizes, const Ints& out_index);

// padding_after with which rounding down gives the windows of ceil_mode: one more than without if
// elements are left over, provided that it starts inside the input or the padding before it.
int64_t ceil_mode_padding(const Window& window, size_t axis, int64_t size);

struct PoolDivisor {
  Ints padding_after;  // up to where count_include_pad counts
  bool count_include_pad = true;
  int64_t divisor_override = 0;  // 0: none

  // By what the sum of the window at `out_index` is divided.
  int64_t at(const Window& window, const Ints& sizes, const Ints& out_index) const;
};

// Import functions of all pooling calls (pool_import.cc).
void add_pool_imports(ImportTable& imports);

}  // namespace ferryman
