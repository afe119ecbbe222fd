// x[i, :, j]: reading and writing with index tensors, as Python's brackets do.
#pragma once

#include "ops/import.h"

namespace ferryman {

// index.Tensor, index_put.
void add_index_array_imports(ImportTable& imports);
Imported import_index_put(ImportContext& call);

// Negative indices count from the end of an axis of that size.
ValueId wrap_negative(CoreWriter write, ValueId indices, Dim size);

// Positions in the flattened tensor of x[i][j]…[index]…, as int64 in the shape of the index.
ValueId flat_positions(CoreWriter write, ValueId x, ValueId index, int64_t axis);
// x[i][j]…[index[i][j]…]…, in the shape of the index.
ValueId gather_elements(CoreWriter write, ValueId x, ValueId index, int64_t axis);

// For each element of a mask, in its flattened order, how many hold before it; at most count - 1.
ValueId number_mask(CoreWriter write, ValueId mask, Dim count);

// The permutation that puts two axes last.
Ints axes_last(size_t rank, int64_t first, int64_t second);
// Entries (i, i + offset) of a flattened matrix.
ValueId diagonal_positions(CoreWriter write, Dim rows, Dim columns, int64_t offset);
// The diagonal of two axes, as a new last axis in their place.
ValueId emit_diagonal(CoreWriter write, ValueId x, int64_t first, int64_t second, int64_t offset);

}  // namespace ferryman
