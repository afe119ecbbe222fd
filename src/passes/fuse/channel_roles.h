// What an op demands of the order of the channels on axis 1 of its operands.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

enum class ChannelRole : uint8_t {
  kAbsorbs,  // any order of operand 0; columns of the constant weight follow, and the order ends
  kPasses,   // any order, the same in all tensors and in the result; constants follow
  kFixed,    // the true order
};

struct ChannelConstant {
  size_t operand = 0;
  size_t axis = 0;          // of the constant: carries channels
  int64_t per_channel = 1;  // consecutive indices for each channel (depthwise multiplier)
};

struct ChannelBehaviour {
  ChannelRole role = ChannelRole::kFixed;
  std::vector<size_t> tensors;             // operands that must come in the same order
  std::vector<ChannelConstant> constants;  // what follows the order
  int64_t results_per_channel = 1;         // kPasses
};

ChannelBehaviour channel_behaviour(const Graph& graph, const Op& op);

// A convolution or linear layer that can make its channels in any order.
bool orders_results(const Graph& graph, const Op& op);

}  // namespace ferryman
