// Where each channel of a value is stored, while nothing has been moved: concat, slice, and the
// reshapes and permutes of a channel shuffle only rewrite this list.
//
//   ChannelList list = channels_of(graph, x);               // x's own channels, in order
//   std::optional<ChannelList> after = through(graph, shuffle_op, {list});
//
// Invariants: the channel axes of a value are axes 1 .. num_axes; the list enumerates them
// row-major; every tensor named has its channels on axis 1, and otherwise the axes of the value.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

struct StoredAt {
  ValueId tensor;
  int64_t position = 0;
  bool operator==(const StoredAt&) const = default;
};

struct ChannelList {
  Ints sizes;  // of the channel axes
  std::vector<StoredAt> channels;

  size_t num_axes() const { return sizes.size(); }
};

// Neighbours in one tensor.
struct Run {
  ValueId tensor;
  int64_t start = 0;
  int64_t count = 0;
  bool operator==(const Run&) const = default;
};

// Empty if axis 1 does not exist or is symbolic.
std::optional<ChannelList> channels_of(const Graph& graph, ValueId value);

// Ops that move channels and nothing else.
bool only_moves_channels(const Graph& graph, const Op& op);
// The list of the result, from those of the operands; empty if the op does more than move channels.
std::optional<ChannelList> through(const Graph& graph, const Op& op,
                                   const std::vector<ChannelList>& operands);

// The list in its own order, cut where neighbours are no neighbours in memory.
std::vector<Run> runs_in_order(const ChannelList& list);
// The same channels as few runs as possible: by tensor, ascending. Empty if a channel occurs twice.
std::vector<Run> runs_in_any_order(const ChannelList& list);
// For runs of `list` one after the other: stored position -> index in the list.
Ints stored_order(const ChannelList& list, const std::vector<Run>& runs);

}  // namespace ferryman
