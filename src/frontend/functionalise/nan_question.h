// Whether a model asks about NaN itself: then NaN is among its values, and extremes and orders give
// what they give in PyTorch, whatever the user chose.
//
//   if (const Node* node = find_nan_question(program)) …        // aten.isnan.default
//
// Such a question is isnan, isfinite, nan_to_num, nansum, nanmean, nanmedian, nanquantile, fmax or
// fmin, or the comparison of a value with itself (x != x), anywhere in the program.
#pragma once

#include "frontend/program/program.h"

namespace ferryman::frontend {

// The first in a functional program; null if there is none.
const Node* find_nan_question(const Program& program);

}  // namespace ferryman::frontend
