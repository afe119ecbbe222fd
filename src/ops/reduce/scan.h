// Running combinations along an axis, in log2(size) steps: after step k each entry combines itself
// with the 2^k - 1 before it.
//
//   const std::vector<ValueId> largest = emit_scan(write, {x}, axis, combine_maxima);
#pragma once

#include <functional>

#include "ops/import.h"

namespace ferryman {

using Parts = std::vector<ValueId>;
// What stands for the entries of both; `later` follows `earlier`. Must be associative.
using CombineParts =
    std::function<Parts(CoreWriter write, const Parts& earlier, const Parts& later)>;

// `parts` have one shape; each entry of the result combines all up to and with it.
Parts emit_scan(CoreWriter write, Parts parts, int64_t axis, const CombineParts& combine);

// The running maximum of whole numbers.
ValueId emit_running_maximum(CoreWriter write, ValueId x, int64_t axis);

}  // namespace ferryman
