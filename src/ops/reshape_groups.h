// Which dims of a reshape's operand hold the elements of which dims of its result.
//
//   group_dims(symbols, {2, 6, 5}, {2, 2, 3, 5})    // {2 | 2}, {6 | 2, 3}, {5 | 5}
#pragma once

#include <cstddef>

#include "ir/dim.h"
#include "support/small_vector.h"

namespace ferryman {

// Dims [lhs_begin, lhs_end) and [rhs_begin, rhs_end) hold the same elements.
struct DimGroup {
  size_t lhs_begin, lhs_end, rhs_begin, rhs_end;
};
using DimGroups = SmallVector<DimGroup, 6>;

// Splits a reshape into the smallest groups of dims with equal products. Where products of free
// sizes are not known to be equal, the whole middle is one group.
DimGroups group_dims(SymbolTable& symbols, const Dims& lhs, const Dims& rhs);

}  // namespace ferryman
