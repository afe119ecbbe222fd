// What a reducing ATen call says: the tensor, the axes, and what remains of them.
//
//   FERRYMAN_TRY(const Reduction reduction, read_reduction(call));
//   FERRYMAN_TRY(const ValueId sum, reduction.emit(call, ops::kSum, reduction.x));
#pragma once

#include "ops/import.h"

namespace ferryman {

struct Reduction {
  ValueId x;
  Ints axes;  // ascending
  bool keepdim = false;

  Result<ValueId> emit(ImportContext& call, OpName op, ValueId value) const;
  // With the axes kept as 1, whatever the call says.
  Result<ValueId> emit_kept(ImportContext& call, OpName op, ValueId value) const;
  // The result of a reduction with its axes kept, as the call wants it.
  Result<ValueId> drop_axes(ImportContext& call, ValueId kept) const;
  // Elements that one result element stands for.
  int64_t count(ImportContext& call) const;
};

// From the arguments self, dim (None and [] mean all axes) and keepdim.
Result<Reduction> read_reduction(ImportContext& call);
// The same on floating point numbers, of the dtype that the call may name.
Result<Reduction> read_float_reduction(ImportContext& call);

// (sum |x|^p)^(1/p), with the limits for p = 0 and infinity.
Result<ValueId> emit_norm(ImportContext& call, const Reduction& reduction, double p);

// Norms and distances: linalg_vector_norm, norm, cosine_similarity, …
void add_vector_norm_imports(ImportTable& imports);

}  // namespace ferryman
