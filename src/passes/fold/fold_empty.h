// Values without elements: nothing is to be computed for them, and no runtime is asked to.
//
//   passes.push_back(fold_empty_values());
//
//   %0 = relu(%x)        : f32[0, 4]   ->  the constant f32[0, 4]
//   %1 = sum(%0)         : f32[4]      ->  the constant zeros
//   %2 = concat(%0, %y)  : f32[2, 4]   ->  concat(%y)
//
// Invariant: inputs stay in the signature; afterwards no op makes or reads a value without
// elements, except where its result has some and depends on what is not known.
#pragma once

#include "passes/rewrite.h"

namespace ferryman {

Pass fold_empty_values();
// concat(x, nothing, y) -> concat(x, y)
Rule concat_of_nothing();

}  // namespace ferryman
