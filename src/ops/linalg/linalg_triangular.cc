// Triangular systems of small matrices.
#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_factor.h"

namespace ferryman {

namespace {

TriangleForm turned(TriangleForm form) {
  return {form.triangle == Triangle::kUpper ? Triangle::kLower : Triangle::kUpper, form.diagonal};
}

Result<TriangleForm> read_form(ImportContext& call, bool upper_by_default) {
  FERRYMAN_TRY(const bool upper, call.flag("upper", upper_by_default));
  FERRYMAN_TRY(const bool unit, call.flag("unitriangular", false));
  return TriangleForm{upper ? Triangle::kUpper : Triangle::kLower,
                      unit ? Diagonal::kOne : Diagonal::kRead};
}

Status check_sizes(ImportContext& call, ValueId t, ValueId b) {
  MatrixKit kit(call.writer());
  if (kit.num_columns(t) == kit.num_rows(b)) return {};
  return call.unsupported("a system and a right side of different sizes");
}

// t x = b, or x t = b, which is t^T x^T = b^T.
Imported import_linalg_solve_triangular(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch system, read_square(call, "self"));
  FERRYMAN_TRY(const MatrixBatch right, read_matrices(call, "B"));
  FERRYMAN_TRY(const bool left, call.flag("left", true));
  FERRYMAN_TRY(const TriangleForm form, read_form(call, false));
  FERRYMAN_TRY(const auto both, with_common_batch(call, system, right));
  MatrixKit kit(call.writer());
  const ValueId t = left ? both.first.flat : kit.transpose(both.first.flat);
  const ValueId b = left ? both.second.flat : kit.transpose(both.second.flat);
  FERRYMAN_TRY_STATUS(check_sizes(call, t, b));
  const ValueId x = solve_triangular(kit, t, b, left ? form : turned(form));
  return std::vector{both.first.restored(kit, left ? x : kit.transpose(x))};
}

// Also gives the matrix, as often as the batch has it.
Imported import_triangular_solve(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch right, read_matrices(call, "self"));
  FERRYMAN_TRY(const MatrixBatch system, read_square(call, "A"));
  FERRYMAN_TRY(const TriangleForm form, read_form(call, true));
  FERRYMAN_TRY(const bool transpose, call.flag("transpose", false));
  FERRYMAN_TRY(const auto both, with_common_batch(call, system, right));
  MatrixKit kit(call.writer());
  const ValueId t = transpose ? kit.transpose(both.first.flat) : both.first.flat;
  FERRYMAN_TRY_STATUS(check_sizes(call, t, both.second.flat));
  const ValueId x = solve_triangular(kit, t, both.second.flat, transpose ? turned(form) : form);
  return std::vector{both.first.restored(kit, x), both.first.restored(kit, both.first.flat)};
}

}  // namespace

void add_triangular_imports(ImportTable& imports) {
  imports.add("linalg_solve_triangular.default", import_linalg_solve_triangular);
  imports.add("triangular_solve.default", import_triangular_solve);
}

}  // namespace ferryman
