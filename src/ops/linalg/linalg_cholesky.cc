// Cholesky factors of small matrices, and what is solved with them.
#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_factor.h"
#include "ops/names.h"

namespace ferryman {

namespace {

// [batch…] i32: the order of the first leading minor that is not positive, 0 if all are.
ValueId failed_minor(MatrixKit& kit, const MatrixBatch& a, const Cholesky& cholesky) {
  if (!cholesky.pivots.valid())
    return a.restored_numbers(kit, kit.cast(kit.zeros(a.flat, 1, 1), DType::kI32));
  const ValueId is_positive = kit.binary(ops::kGt, cholesky.pivots, 0.0);
  const ValueId number = first_flagged(kit, kit.unary(ops::kLogicalNot, is_positive));
  return a.restored_numbers(kit, kit.cast(number, DType::kI32));
}

Imported import_cholesky(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_square(call, "self"));
  FERRYMAN_TRY(const bool upper, call.flag("upper", false));
  call.ignore("check_errors");  // no way to raise at run time
  MatrixKit kit(call.writer());
  const Cholesky cholesky = factor_cholesky(kit, upper ? kit.transpose(a.flat) : a.flat);
  const ValueId factor = upper ? kit.transpose(cholesky.factor) : cholesky.factor;
  std::vector<ValueId> results = {a.restored(kit, factor)};
  if (call.num_results() > 1) results.push_back(failed_minor(kit, a, cholesky));
  return results;
}

// A factor l as a lower triangle.
Result<MatrixBatch> read_factor(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(MatrixBatch factor, read_square(call, name));
  FERRYMAN_TRY(const bool upper, call.flag("upper", false));
  MatrixKit kit(call.writer());
  if (upper) factor.flat = kit.transpose(factor.flat);
  return factor;
}

// l l^T x = b
Imported import_cholesky_solve(ImportContext& call) {
  const bool is_inner = call.target().starts_with("_");
  FERRYMAN_TRY(const MatrixBatch right, read_matrices(call, "self"));
  FERRYMAN_TRY(const MatrixBatch factor, read_factor(call, is_inner ? "A" : "input2"));
  FERRYMAN_TRY(const auto both, with_common_batch(call, factor, right));
  MatrixKit kit(call.writer());
  const ValueId l = both.first.flat;
  if (kit.num_rows(l) != kit.num_rows(both.second.flat))
    return call.unsupported("a system and a right side of different sizes");
  const ValueId y = solve_triangular(kit, l, both.second.flat, {Triangle::kLower});
  const ValueId x = solve_triangular(kit, kit.transpose(l), y, {Triangle::kUpper});
  return std::vector{both.first.restored(kit, x)};
}

// (l l^T)^-1 = y^T y with l y = 1
Imported import_cholesky_inverse(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch factor, read_factor(call, "self"));
  MatrixKit kit(call.writer());
  const int64_t size = kit.num_rows(factor.flat);
  const ValueId one = kit.repeat(kit.identity(factor.flat, size, size), kit.batch(factor.flat));
  const ValueId y = solve_triangular(kit, factor.flat, one, {Triangle::kLower});
  return std::vector{factor.restored(kit, kit.matmul(kit.transpose(y), y))};
}

}  // namespace

void add_cholesky_imports(ImportTable& imports) {
  imports.add({"cholesky.default", "linalg_cholesky.default", "linalg_cholesky_ex.default"},
              import_cholesky);
  imports.add({"cholesky_solve.default", "_cholesky_solve_helper.default"}, import_cholesky_solve);
  imports.add("cholesky_inverse.default", import_cholesky_inverse);
}

}  // namespace ferryman
