// Singular values by one-sided Jacobi rotations: rows are turned in pairs until all are orthogonal;
// their lengths are then the singular values.
//
//   const ValueId values = singular_values(kit, a);        // [B, 1, k], descending
//
// Invariants: a fixed number of sweeps, enough for f32; in a round of a sweep each row has one
// partner, so that all pairs of a round turn at once. Singular vectors come without LAPACK's signs,
// hence only what does not depend on them is made from them here.
#pragma once

#include "ops/linalg/matrix_kit.h"

namespace ferryman {

// [B, 1, k] with k the smaller size.
ValueId singular_values(MatrixKit& kit, ValueId a);
// [B, 1, n] ascending, of symmetric matrices.
ValueId symmetric_eigenvalues(MatrixKit& kit, ValueId a);

// a = turn^T rows, turn orthogonal and the rows orthogonal to each other; of a matrix with no more
// rows than columns.
struct OrthogonalRows {
  ValueId rows;     // [B, k, columns]
  ValueId turn;     // [B, k, k]
  ValueId lengths;  // [B, k, 1], the singular values, in no order
};
OrthogonalRows orthogonalise_rows(MatrixKit& kit, ValueId a);

}  // namespace ferryman
