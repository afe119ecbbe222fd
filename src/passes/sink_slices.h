// Computes only what is read: a slice moves before the ops that make what it cuts, as far as a
// product with fewer rows or columns is won.
//
//   passes.push_back(sink_slices());
//
//   q, k, v = three slices of one linear layer    ->  three linear layers with a part of the weight
//   head(encoder_layer(x)[:, 0])                  ->  all of the layer but keys and values, for row
//   0
//
// Invariants: no op is computed for more elements than before, and none is moved without a product
// that becomes smaller.
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass sink_slices();

}  // namespace ferryman
