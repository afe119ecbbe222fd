// Convolutions, linear layers and mean pools of whole numbers, for which no target has kernels:
// what lies under each window is gathered, and multiplied and summed exactly.
//
//   const TapsAt taps = [&](const Ints& out) { return window.taps_at(in_sizes, out); };
//   const ValueId y = emit_whole_conv(write, {x, weight, bias, groups, false}, out_sizes, taps);
//
// Invariants: x is [N, C, spatial…]; sums wrap around, as in torch.
#pragma once

#include "ops/spatial/pool_indices.h"
#include "ops/spatial/pool_sizes.h"

namespace ferryman {

struct WholeConv {
  ValueId x, weight;
  ValueId bias;  // invalid if there is none
  int64_t groups = 1;
  enum class Weight : uint8_t { kOutIn, kInOut } order = Weight::kOutIn;  // kInOut: transposed
};

// [N, O, out_sizes…]; `taps_at` says which input and kernel positions meet.
ValueId emit_whole_conv(CoreWriter write, const WholeConv& conv, const Ints& out_sizes,
                        const TapsAt& taps_at);

// The sum under each window by its divisor, rounded towards 0.
ValueId emit_whole_avg_pool(CoreWriter write, ValueId x, const Window& window,
                            const PoolDivisor& divisor, const Ints& out_sizes);

}  // namespace ferryman
