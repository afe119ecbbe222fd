// Channel shuffles, concats and splits between convolutions without moving anything: the pass keeps
// for each channel the tensor and position where it is stored, and lets weights absorb the order.
//
//   cat(a, b) -> reshape, permute, reshape -> slice -> conv 1x1
//   =>  concat of one slice of a and one of b -> conv 1x1 with its columns in that order
//
// An order passes through elementwise ops, pools and depthwise convolutions (whose weights and
// per-channel constants follow), and ends in the columns of a convolution or linear layer. Readers
// that need the true order get it. Where a reader takes scattered channels, the rows of the
// convolution that makes them are sorted by who reads them. The pass keeps its result only if it
// moves fewer bytes than before; regions without a shuffle stay untouched.
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass absorb_channel_order();

}  // namespace ferryman
