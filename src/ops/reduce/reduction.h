// What a reducing ATen call says: the tensor, the axes, and what remains of them.
//
//   FERRYMAN_TRY(const Reduction reduction, read_reduction(call));
//   const ValueId sum = reduction.emit(call.writer(), ops::kSum, reduction.x);
#pragma once

#include "ops/import.h"

namespace ferryman {

struct Reduction {
  ValueId x;
  Ints axes;  // ascending
  bool keepdim = false;

  ValueId emit(CoreWriter write, OpName op, ValueId value) const;
};

// From the arguments self, dim (None and [] mean all axes) and keepdim.
Result<Reduction> read_reduction(ImportContext& call);
// The same on floating point numbers, of the dtype that the call may name.
Result<Reduction> read_float_reduction(ImportContext& call);

// (sum |x|^p)^(1/p), with the limits for p = 0 and infinity.
ValueId emit_norm(CoreWriter write, const Reduction& reduction, double p);

// Norms and distances: linalg_vector_norm, norm, cosine_similarity, …
void add_vector_norm_imports(ImportTable& imports);

}  // namespace ferryman
