// Small steps that many import functions take: each appends one core op, or nothing where it would
// change nothing.
//
//   FERRYMAN_TRY(const ValueId half, emit_slice(call, x, axis, 0, size / 2));
//   FERRYMAN_TRY(const ValueId flat, emit_reshape(call, half, {-1}));
#pragma once

#include <span>

#include "ops/import.h"

namespace ferryman {

// All sizes are static in programs that reach the import functions.
Ints sizes_of(ImportContext& call, ValueId value);
size_t rank_of(ImportContext& call, ValueId value);
DType dtype_of(ImportContext& call, ValueId value);
// A rank-0 constant of the value's dtype.
ValueId scalar_like(ImportContext& call, ValueId value, double number);

// A size of -1 is found from the others.
Result<ValueId> emit_reshape(ImportContext& call, ValueId x, Ints shape);
// Result axis i is operand axis perm[i].
Result<ValueId> emit_permute(ImportContext& call, ValueId x, const Ints& perm);
// Broadcasts to `shape`, which may have more axes on the left.
Result<ValueId> emit_expand(ImportContext& call, ValueId x, const Ints& shape);
// [begin, end) along one axis, which lies inside it.
Result<ValueId> emit_slice(ImportContext& call, ValueId x, int64_t axis, int64_t begin, int64_t end,
                           int64_t step = 1);
// One index of an axis, which disappears.
Result<ValueId> emit_select(ImportContext& call, ValueId x, int64_t axis, int64_t index);
Result<ValueId> emit_concat(ImportContext& call, std::span<const ValueId> values, int64_t axis);
// x's entries along `axis` at the indices, whose axes take the place of that axis.
Result<ValueId> emit_gather(ImportContext& call, ValueId x, ValueId indices, int64_t axis);

// value * number, unless the number is 1 or not given. Of bools: value and number.
Result<ValueId> emit_scaled(ImportContext& call, ValueId value, std::string_view number_name);

ValueId int_constant(ImportContext& call, Ints shape, const Ints& values);

}  // namespace ferryman
