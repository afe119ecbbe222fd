#include "ops/spatial/pool_sizes.h"

#include <algorithm>

namespace ferryman {

Span adaptive_span(int64_t in_size, int64_t out_size, int64_t index) {
  return {index * in_size / out_size, ((index + 1) * in_size + out_size - 1) / out_size};
}

std::vector<Tap> adaptive_taps(const Ints& in_sizes, const Ints& out_sizes, const Ints& out_index) {
  std::vector<Tap> taps = {{0, 0}};
  for (size_t axis = 0; axis < in_sizes.size(); ++axis) {
    const Span span = adaptive_span(in_sizes[axis], out_sizes[axis], out_index[axis]);
    std::vector<Tap> extended;
    for (const Tap& tap : taps) {
      for (int64_t i = span.begin; i < span.end; ++i)
        extended.push_back({tap.input * in_sizes[axis] + i, 0});
    }
    taps = std::move(extended);
  }
  return taps;
}

int64_t ceil_mode_padding(const Window& window, size_t axis, int64_t size) {
  const int64_t before = window.padding_before[axis];
  const int64_t after = window.padding_after[axis];
  const int64_t stride = window.stride[axis];
  const int64_t room = size + before + after - window.extent(axis);
  if (room < 0) return after;
  const int64_t last_start = (room + stride - 1) / stride * stride;
  if (last_start >= size + before) return after;
  return std::max(after, last_start + window.extent(axis) - size - before);
}

int64_t PoolDivisor::at(const Window& window, const Ints& sizes, const Ints& out_index) const {
  if (divisor_override != 0) return divisor_override;
  int64_t count = 1;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    const int64_t start = out_index[axis] * window.stride[axis] - window.padding_before[axis];
    const int64_t counted_end = sizes[axis] + (count_include_pad ? padding_after[axis] : 0);
    const int64_t end = std::min(start + window.kernel[axis], counted_end);
    count *= end - (count_include_pad ? start : std::max<int64_t>(start, 0));
  }
  return count;
}

}  // namespace ferryman
