#include "ops/spatial/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"
#include "ops/infer.h"
#include "ops/names.h"

namespace ferryman {

std::vector<Tap> Window::taps_at(const Ints& input_sizes, const Ints& output_index) const {
  std::vector<Tap> taps = {{0, 0}};
  for (size_t axis = 0; axis < rank(); ++axis) {
    std::vector<Tap> extended;
    const int64_t start = output_index[axis] * stride[axis] - padding_before[axis];
    for (const Tap& tap : taps) {
      for (int64_t k = 0; k < kernel[axis]; ++k) {
        const int64_t position = start + k * dilation[axis];
        if (position < 0 || position >= input_sizes[axis]) continue;
        extended.push_back(
            {tap.input * input_sizes[axis] + position, tap.kernel * kernel[axis] + k});
      }
    }
    taps = std::move(extended);
  }
  return taps;
}

Status check_window(const Window& window, size_t spatial_rank) {
  const auto complete = [&](const Ints& list) { return list.size() == spatial_rank; };
  const auto at_least = [](const Ints& list, int64_t least) {
    return std::all_of(list.begin(), list.end(), [&](int64_t n) { return n >= least; });
  };
  if (!complete(window.kernel) || !complete(window.stride) || !complete(window.dilation) ||
      !complete(window.padding_before) || !complete(window.padding_after)) {
    return shape_error(fmt::format("window attributes do not have {} entries", spatial_rank));
  }
  if (!at_least(window.kernel, 1) || !at_least(window.stride, 1) || !at_least(window.dilation, 1))
    return shape_error("kernel size, stride or dilation below 1");
  if (!at_least(window.padding_before, 0) || !at_least(window.padding_after, 0))
    return shape_error("negative padding");
  return {};
}

namespace {

// (size + grown - extent) // stride + 1, where `grown` is the padding of both sides.
Result<Dim> windows_along(SymbolTable& symbols, Dim size, int64_t grown, int64_t extent,
                          int64_t stride) {
  if (size.is_static()) {
    const int64_t room = size.size() + grown - extent;
    if (room < 0) {
      return shape_error(
          fmt::format("a window of {} on {} padded elements", extent, size.size() + grown));
    }
    return Dim(room / stride + 1);
  }
  return symbols.shift(symbols.floordiv(symbols.shift(size, grown - extent), stride), 1);
}

}  // namespace

Result<Dims> window_dims(SymbolTable& symbols, std::span<const Dim> spatial, const Window& window) {
  Dims result;
  for (size_t axis = 0; axis < spatial.size(); ++axis) {
    const int64_t grown = window.padding_before[axis] + window.padding_after[axis];
    FERRYMAN_TRY(const Dim dim, windows_along(symbols, spatial[axis], grown, window.extent(axis),
                                              window.stride[axis]));
    result.push_back(dim);
  }
  return result;
}

Result<ValueId> with_batch(CoreWriter write, ValueId x, size_t spatial_rank,
                           const std::function<Result<ValueId>(ValueId)>& make) {
  const Dims dims = write.dims(x);
  if (dims.size() == spatial_rank + 2) return make(x);
  if (dims.size() != spatial_rank + 1) {
    return write.refuse(fmt::format("an input with {} axes, where {} or {} are expected",
                                    dims.size(), spatial_rank + 1, spatial_rank + 2));
  }
  Dims batched = dims;
  batched.insert(batched.begin(), Dim(1));
  FERRYMAN_TRY(const ValueId made, make(write.reshape(x, std::move(batched))));
  const Dims& made_dims = write.dims(made);
  return write.reshape(made, Dims(made_dims.begin() + 1, made_dims.end()));
}

}  // namespace ferryman
