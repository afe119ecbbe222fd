// What the import functions of linear algebra share: arguments as flat batches of matrices, and the
// way back.
//
//   FERRYMAN_TRY(const MatrixBatch a, read_square(call, "A"));
//   MatrixKit kit(call.writer());
//   const Lu lu = factor_lu(kit, a.flat, {});
//   return one_result(a.restored(kit, lu.packed));
//
// Invariants: a matrix that is read has at least two axes and floating point numbers; one that is
// factored takes at most kMaxMatrixSteps steps, beyond which the call is refused.
#pragma once

#include <utility>

#include "ops/import.h"
#include "ops/linalg/matrix_kit.h"

namespace ferryman {

struct MatrixBatch {
  ValueId flat;  // [B, rows, columns]
  Ints batch;    // the axes that B stands for

  // [B, r, c] -> [batch…, r, c]
  ValueId restored(MatrixKit& kit, ValueId matrices) const;
  // [B, 1, n] or [B, n, 1] -> [batch…, n]
  ValueId restored_vectors(MatrixKit& kit, ValueId vectors) const;
  // [B, 1, 1] -> [batch…]
  ValueId restored_numbers(MatrixKit& kit, ValueId numbers) const;
};

Result<MatrixBatch> read_matrices(ImportContext& call, std::string_view name);
// The smaller size is that of the steps.
Result<MatrixBatch> read_rectangular(ImportContext& call, std::string_view name);
Result<MatrixBatch> read_square(ImportContext& call, std::string_view name);
// The last two axes are those of matrices.
Result<MatrixBatch> as_matrices(ImportContext& call, ValueId x);
// Both with the batch that theirs broadcast to.
Result<std::pair<MatrixBatch, MatrixBatch>> with_common_batch(ImportContext& call, MatrixBatch a,
                                                              MatrixBatch b);
// Refuses more steps than are unrolled.
Status check_steps(ImportContext& call, int64_t steps);

// Refuses a program that reads the results [first, last), which torch computes for its own backward
// pass, of the matrix or of its transpose.
Status check_unread(ImportContext& call, size_t first, size_t last);

// x with a x = b.
ValueId solve_system(MatrixKit& kit, ValueId a, ValueId b);
ValueId invert(MatrixKit& kit, ValueId a);

void add_linalg_imports(ImportTable& imports);
// By families, called by the one above.
void add_cholesky_imports(ImportTable& imports);
void add_lu_imports(ImportTable& imports);
void add_solve_imports(ImportTable& imports);
void add_triangular_imports(ImportTable& imports);
void add_determinant_imports(ImportTable& imports);
void add_ldl_imports(ImportTable& imports);
void add_qr_imports(ImportTable& imports);
void add_spectrum_imports(ImportTable& imports);
void add_matrix_norm_imports(ImportTable& imports);
void add_matrix_function_imports(ImportTable& imports);
void add_distance_imports(ImportTable& imports);

}  // namespace ferryman
