// What the attributes and types of a convolution or pool say of its windows and channels.
//
//   const Window window = window_of(graph, conv);
//   if (conv_kind(graph, conv) == ConvKind::kDepthwise) …   // depth_multiplier(graph, conv)
#pragma once

#include "ir/graph.h"
#include "ops/spatial/window.h"

namespace ferryman {

// The sizes after [N, C], which are static.
Ints spatial_sizes(const TensorType& type);

// The windows of a convolution, transposed convolution, max or average pool, its padding as stated.
Window window_of(const Graph& graph, const Op& op);
bool has_padding(const Window& window);
bool is_dilated(const Window& window);
Window without_padding(Window window);

// Which channels meet in a convolution of either direction: all of them, each only itself, or those
// of a group. With one channel it is dense.
enum class ConvKind : uint8_t { kDense, kDepthwise, kGrouped };
ConvKind conv_kind(const Graph& graph, const Op& conv);
// Channels that a depthwise convolution makes of each.
int64_t depth_multiplier(const Graph& graph, const Op& conv);

}  // namespace ferryman
