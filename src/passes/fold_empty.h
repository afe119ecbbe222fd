// Values without elements: nothing is to be computed for them, and no runtime is asked to.
//
//   passes.push_back(fold_empty_values());
//
//   %0 = relu(%x)   : f32[0, 4]     ->  the constant f32[0, 4]
//   %1 = sum(%x)    : f32[4]        ->  sum of a constant, which fold_constants computes
//
// Invariant: inputs stay in the signature; afterwards no op makes or reads a value without elements,
// except where its result has some and the op is not folded.
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass fold_empty_values();

}  // namespace ferryman
