// Which part of an axis a call takes, in Python's spelling: start:end:step.
//
//   FERRYMAN_TRY(const SizeRange range, read_size_range(call, write.dim(x, axis)));
#pragma once

#include "ops/import.h"

namespace ferryman {

// 0 <= begin <= end <= size of the axis.
struct SizeRange {
  Dim begin, end;
  int64_t step = 1;
};

// From the arguments "start", "end" and "step": negative ones count from the end, and all are cut
// to the size.
Result<SizeRange> read_size_range(ImportContext& call, Dim size);

}  // namespace ferryman
