// Positions and masks of free sizes, in as few steps as their numbers need: an exporter's program
// takes differences, running sums and lookups of positions, whose results are known once it is
// known that positions grow by one. With numbers for sizes all of this would be folded into
// constants.
//
//   arange(n)[1:] - arange(n)[:-1]        ->  ones
//   arange(n)[None] <= arange(n)[:, None] for each of a batch   ->  once, and broadcast
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass fold_positions();

}  // namespace ferryman
