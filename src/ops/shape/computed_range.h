// Parts of an axis that begin where only a run tells: x[:, at:at + 5], x.narrow(1, at, 5).
//
//   if (is_computed(call, "start")) {
//     FERRYMAN_TRY(const ValueId begin, computed_position(call, "start", size));
//     return one_result(take_run(write, x, axis, {begin, length}));
//   }
//
// Invariants: positions are int64, and lie in the axis: another one stops the runtime.
#pragma once

#include "ops/import.h"

namespace ferryman {

struct Run {
  ValueId begin;  // of rank 0
  Dim length = 1;
  int64_t step = 1;
};

// Whether the argument is a number that only a run tells.
bool is_computed(ImportContext& call, std::string_view name);
// A position along an axis of `size`, an int64 number: counted from the end if it is negative.
Result<ValueId> computed_position(ImportContext& call, std::string_view name, ValueId size);
// An end of Python's start:end: cut to the axis, which has `size` entries, `most` at most.
Result<ValueId> computed_bound(ImportContext& call, std::string_view name, ValueId size, Dim most,
                               ValueId absent);

// `length` entries of the axis.
ValueId take_run(CoreWriter write, ValueId x, int64_t axis, const Run& run);
// x with `part` in the place of as many entries.
ValueId overwrite_run(CoreWriter write, ValueId x, ValueId part, int64_t axis, ValueId begin);

// slice, narrow and slice_scatter with a computed start or end, of a length that the program knows.
Imported take_computed_slice(ImportContext& call, ValueId x, int64_t axis);
Imported take_computed_narrow(ImportContext& call, ValueId x, int64_t axis);
Imported overwrite_computed_slice(ImportContext& call, ValueId x, ValueId part, int64_t axis);

}  // namespace ferryman
