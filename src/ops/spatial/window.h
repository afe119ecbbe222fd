// Sliding windows over spatial axes: what convolutions and pools share.
//
//   const Window window = window_of(args.attrs);
//   FERRYMAN_TRY(Dims out, window_dims(args.symbols, spatial, window));
//   for (const Tap& tap : window.taps_at(in_sizes, out_index)) sum += x[tap.input] * w[tap.kernel];
//
// Invariants: all lists of a Window have one entry for each spatial axis, outermost first.
#pragma once

#include <functional>
#include <vector>

#include "ir/op_def.h"
#include "ops/import.h"

namespace ferryman {

// One element under the window: flat spatial positions in the input and in the kernel.
struct Tap {
  int64_t input = 0;
  int64_t kernel = 0;
};

// Which positions of the input and of the kernel meet at one position of the result.
using TapsAt = std::function<std::vector<Tap>(const Ints& out_index)>;

struct Window {
  Ints kernel;
  Ints stride;
  Ints dilation;
  Ints padding_before;
  Ints padding_after;

  size_t rank() const { return kernel.size(); }
  // Elements that the window spans along an axis, holes included.
  int64_t extent(size_t axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
  // The taps inside the input for one position of the result, kernel order.
  std::vector<Tap> taps_at(const Ints& input_sizes, const Ints& output_index) const;
};

// Kernel sizes, strides and dilations are positive, paddings not negative, lists complete.
Status check_window(const Window& window, size_t spatial_rank);
// The spatial dims of the result. A symbolic size must not shrink by more than its stride restores.
Result<Dims> window_dims(SymbolTable& symbols, std::span<const Dim> spatial, const Window& window);
// The dims after [N, C].
inline std::span<const Dim> spatial_dims(const TensorType& type) {
  return std::span(type.dims).subspan(2);
}

// Calls `make` with a batched value. `x` may lack the batch axis, as torch allows for all windowed
// ops: then an axis of size 1 comes and goes by reshape.
Result<ValueId> with_batch(CoreWriter write, ValueId x, size_t spatial_rank,
                           const std::function<Result<ValueId>(ValueId)>& make);

}  // namespace ferryman
