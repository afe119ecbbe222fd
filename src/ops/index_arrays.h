// x[i, :, j]: reading and writing with index tensors, as Python's brackets do.
#pragma once

#include "ops/import.h"

namespace ferryman {

// index.Tensor, index_put.
void add_index_array_imports(ImportTable& imports);

// Negative indices count from the end of an axis of that size.
Result<ValueId> wrap_negative(ImportContext& call, ValueId indices, int64_t size);

}  // namespace ferryman
