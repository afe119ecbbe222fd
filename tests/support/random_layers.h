// Test support: networks put together at random from the pieces that fusions and the channel order
// are about: convolutions, norms, constants along channels, pads, pools, shuffles, splits, concats.
//
//   const Graph graph = random_layers(ops.set, seed);
#pragma once

#include "ir/graph.h"

namespace ferryman {

Graph random_layers(const OpSet& ops, uint64_t seed);

}  // namespace ferryman
