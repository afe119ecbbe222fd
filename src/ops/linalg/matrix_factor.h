// The factorisations of LAPACK, unrolled: one step for each row or column, over the whole batch.
//
//   const Lu lu = factor_lu(kit, a, {b, Carry::kEliminate});    // of a, and b on the way
//   const ValueId x = solve_triangular(kit, lu.packed, lu.carried, {Triangle::kUpper});
//
// Invariants: matrices are [B, rows, columns] (matrix_kit.h), a batch of 1 broadcasting; pivots,
// signs and scalings are those of LAPACK, so that factors agree and not only their product.
#pragma once

#include <vector>

#include "ops/linalg/matrix_kit.h"

namespace ferryman {

// Steps are unrolled: beyond this the graph would be larger than a loop is worth.
inline constexpr int64_t kMaxMatrixSteps = 64;

// The numbers first, first + 1, … as a column [1, count, 1].
ValueId counting_column(MatrixKit& kit, DType dtype, int64_t first, int64_t count);

// ---- triangular systems ----

enum class Triangle : uint8_t { kLower, kUpper };
enum class Diagonal : uint8_t { kRead, kOne };  // kOne: not read, taken as 1

struct TriangleForm {
  Triangle triangle;
  Diagonal diagonal = Diagonal::kRead;
};

// x with t x = b; what lies outside the triangle is not read.
ValueId solve_triangular(MatrixKit& kit, ValueId t, ValueId b, TriangleForm form);

// ---- LU ----

// What becomes of a matrix with the same rows while another is factored as P^T L U.
enum class Carry : uint8_t { kSwapRows, kEliminate };  // P b or L^-1 P b
struct Carried {
  ValueId matrix;  // invalid: none
  Carry how = Carry::kSwapRows;
};

struct Lu {
  ValueId packed;   // L below the diagonal, U on and above it
  ValueId carried;  // invalid if there was none
  ValueId pivots;   // [B, 1, steps] i64: at step k, row k changed places with row k + pivot
};
Lu factor_lu(MatrixKit& kit, ValueId a, Carried carried);
// [B, 1, 1] i32: the first column (from 1) whose pivot is 0; 0 if there is none.
ValueId failed_pivot(MatrixKit& kit, const Lu& lu);

enum class SwapOrder : uint8_t { kForward, kBackward };
// The rows of b swapped as LAPACK's pivots [B, steps, 1] (integers from 1) say.
ValueId swap_rows(MatrixKit& kit, ValueId b, ValueId pivots, SwapOrder order);

// [B, 1, 1] of the number of the first column (from 1) whose flag in the row [B, 1, n] is set; 0 if
// none is.
ValueId first_flagged(MatrixKit& kit, ValueId flags);

// ---- Cholesky ----

struct Cholesky {
  ValueId factor;  // lower
  ValueId pivots;  // [B, 1, n]: a number that is not positive tells where a is not definite
};
// Of a symmetric matrix, of which the lower triangle is read.
Cholesky factor_cholesky(MatrixKit& kit, ValueId a);

// ---- QR ----

// Q = H_1 H_2 …, H_k = I - tau_k v_k v_k^T
struct Reflectors {
  ValueId packed;  // v_k below the diagonal of column k, its first number 1 left out
  ValueId taus;    // [B, steps, 1]
};
// R on and above the diagonal of `packed`.
Reflectors factor_qr(MatrixKit& kit, ValueId a);

enum class Reflection : uint8_t { kQ, kTransposed };  // Q c or Q^T c
ValueId apply_reflectors(MatrixKit& kit, const Reflectors& reflectors, ValueId c, Reflection how);

}  // namespace ferryman
