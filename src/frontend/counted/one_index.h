// x[:, index]: the one index tensor of a call, where entries are counted.
#pragma once

#include "frontend/counted/counted_call.h"

namespace ferryman::frontend {

struct OneIndex {
  ValueId tensor;  // whole numbers, or a mask
  int64_t axis = 0;
};

// Fails if there are several.
Result<OneIndex> only_index(ImportContext& call);
bool is_mask(CoreWriter write, ValueId index);
// Whole numbers as positions from the beginning; of a counted axis, negative ones are from the
// count.
Result<ValueId> positions_of(CountedCall& call, ValueId x, const OneIndex& index);
// Positions brought into an axis of that size, so that none stops the runtime.
ValueId brought_inside(CoreWriter write, ValueId positions, Dim size);

}  // namespace ferryman::frontend
