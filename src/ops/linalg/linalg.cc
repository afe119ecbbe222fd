#include "ops/linalg/linalg.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/infer.h"
#include "ops/linalg/matrix_factor.h"

namespace ferryman {

ValueId MatrixBatch::restored(MatrixKit& kit, ValueId matrices) const {
  Ints shape = batch;
  shape.push_back(kit.num_rows(matrices));
  shape.push_back(kit.num_columns(matrices));
  return kit.reshape(matrices, shape);
}

ValueId MatrixBatch::restored_vectors(MatrixKit& kit, ValueId vectors) const {
  Ints shape = batch;
  shape.push_back(kit.num_rows(vectors) * kit.num_columns(vectors));
  return kit.reshape(vectors, shape);
}

ValueId MatrixBatch::restored_numbers(MatrixKit& kit, ValueId numbers) const {
  return kit.reshape(numbers, batch);
}

Result<MatrixBatch> as_matrices(ImportContext& call, ValueId x) {
  MatrixKit kit(call.writer());
  const Ints sizes = kit.sizes(x);
  if (sizes.size() < 2) return call.unsupported("a matrix needs two axes");
  if (kit.dtype(x) != DType::kF32) return call.unsupported("of matrices that are not of float32");
  return MatrixBatch{kit.flatten_batch(x), Ints(sizes.begin(), sizes.end() - 2)};
}

Result<MatrixBatch> read_matrices(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const ValueId x, call.tensor(name));
  return as_matrices(call, x);
}

Result<MatrixBatch> read_rectangular(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const MatrixBatch a, read_matrices(call, name));
  MatrixKit kit(call.writer());
  FERRYMAN_TRY_STATUS(check_steps(call, std::min(kit.num_rows(a.flat), kit.num_columns(a.flat))));
  return a;
}

Result<MatrixBatch> read_square(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const MatrixBatch a, read_matrices(call, name));
  MatrixKit kit(call.writer());
  if (kit.num_rows(a.flat) != kit.num_columns(a.flat))
    return call.unsupported(fmt::format("'{}' is not square", name));
  FERRYMAN_TRY_STATUS(check_steps(call, kit.num_rows(a.flat)));
  return a;
}

Status check_steps(ImportContext& call, int64_t steps) {
  if (steps <= kMaxMatrixSteps) return {};
  return call
      .unsupported(fmt::format("a matrix of size {}; the runtime has no solver, and steps "
                               "are written out up to size {}",
                               steps, kMaxMatrixSteps))
      .hint("factor the matrix outside the model, or in smaller blocks");
}

Status check_unread(ImportContext& call, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    if (call.is_result_read(i))
      return call.unsupported("its factors, read as results")
          .hint("factor the matrix by an op of its own, such as linalg.lu_factor");
  }
  return {};
}

namespace {

Result<MatrixBatch> broadcast_batch(ImportContext& call, const MatrixBatch& a, const Ints& batch) {
  if (a.batch == batch) return a;
  MatrixKit kit(call.writer());
  Ints shape = batch;
  shape.push_back(kit.num_rows(a.flat));
  shape.push_back(kit.num_columns(a.flat));
  const ValueId expanded = call.writer().expand(a.restored(kit, a.flat), shape);
  return as_matrices(call, expanded);
}

}  // namespace

Result<std::pair<MatrixBatch, MatrixBatch>> with_common_batch(ImportContext& call, MatrixBatch a,
                                                              MatrixBatch b) {
  FERRYMAN_TRY(const Dims dims,
               broadcast_dims(to_dims(a.batch), to_dims(b.batch), call.builder().symbols()));
  const Ints batch = static_sizes(dims);
  FERRYMAN_TRY(MatrixBatch first, broadcast_batch(call, a, batch));
  FERRYMAN_TRY(MatrixBatch second, broadcast_batch(call, b, batch));
  return std::pair(std::move(first), std::move(second));
}

ValueId solve_system(MatrixKit& kit, ValueId a, ValueId b) {
  const Lu lu = factor_lu(kit, a, {b, Carry::kEliminate});
  return solve_triangular(kit, lu.packed, lu.carried, {Triangle::kUpper});
}

ValueId invert(MatrixKit& kit, ValueId a) {
  const int64_t size = kit.num_rows(a);
  return solve_system(kit, a, kit.repeat(kit.identity(a, size, size), kit.batch(a)));
}

void add_linalg_imports(ImportTable& imports) {
  add_cholesky_imports(imports);
  add_lu_imports(imports);
  add_solve_imports(imports);
  add_triangular_imports(imports);
  add_determinant_imports(imports);
  add_ldl_imports(imports);
  add_qr_imports(imports);
  add_spectrum_imports(imports);
  add_matrix_norm_imports(imports);
  add_matrix_function_imports(imports);
  add_distance_imports(imports);
}

}  // namespace ferryman
