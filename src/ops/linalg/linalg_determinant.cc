// Determinants of small matrices, from their LU factors.
#include <limits>

#include "ops/attrs.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_factor.h"
#include "ops/names.h"

namespace ferryman {

namespace {

struct Determinant {
  MatrixBatch matrix;
  ValueId diagonal;  // [B, 1, n], of U
  ValueId parity;    // [B, 1, 1], -1 for an odd number of swaps
};

Result<Determinant> read_determinant(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const MatrixBatch a, read_square(call, name));
  MatrixKit kit(call.writer());
  const Lu lu = factor_lu(kit, a.flat, {});
  const ValueId one = kit.scalar(a.flat, 1);
  if (!lu.pivots.valid())  // the product of nothing
    return Determinant{a, ValueId(), kit.binary(ops::kAdd, kit.zeros(a.flat, 1, 1), one)};
  const ValueId stays = kit.binary(ops::kEq, lu.pivots, 0.0);
  const ValueId signs = kit.where(stays, one, kit.scalar(a.flat, -1));
  return Determinant{a, kit.diagonal(lu.packed), kit.reduce(ops::kProd, signs, {2})};
}

ValueId emit_product(MatrixKit& kit, const Determinant& det) {
  if (!det.diagonal.valid()) return det.parity;
  return kit.mul(kit.reduce(ops::kProd, det.diagonal, {2}), det.parity);
}

struct SignAndLog {
  ValueId sign, log;  // [B, 1, 1]
};

SignAndLog emit_sign_and_log(MatrixKit& kit, const Determinant& det) {
  if (!det.diagonal.valid()) return {det.parity, kit.zeros(det.matrix.flat, 1, 1)};
  const ValueId signs = kit.reduce(ops::kProd, kit.unary(ops::kSign, det.diagonal), {2});
  const ValueId logs = kit.log(kit.abs(det.diagonal));
  return {kit.mul(signs, det.parity), kit.reduce(ops::kSum, logs, {2})};
}

Imported import_det_of(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const Determinant det, read_determinant(call, name));
  MatrixKit kit(call.writer());
  std::vector<ValueId> results(call.num_results());
  results.front() = det.matrix.restored_numbers(kit, emit_product(kit, det));
  FERRYMAN_TRY_STATUS(check_unread(call, 1, results.size()));
  return results;
}
Imported import_det(ImportContext& call) {
  return import_det_of(call, "self");
}
Imported import_linalg_det(ImportContext& call) {
  return import_det_of(call, "A");
}

Imported import_slogdet_of(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const Determinant det, read_determinant(call, name));
  MatrixKit kit(call.writer());
  const SignAndLog parts = emit_sign_and_log(kit, det);
  std::vector<ValueId> results(call.num_results());
  results[0] = det.matrix.restored_numbers(kit, parts.sign);
  results[1] = det.matrix.restored_numbers(kit, parts.log);
  FERRYMAN_TRY_STATUS(check_unread(call, 2, results.size()));
  return results;
}
Imported import_slogdet(ImportContext& call) {
  return import_slogdet_of(call, "self");
}
Imported import_linalg_slogdet(ImportContext& call) {
  return import_slogdet_of(call, "A");
}

// NaN of a negative determinant.
Imported import_logdet(ImportContext& call) {
  FERRYMAN_TRY(const Determinant det, read_determinant(call, "self"));
  MatrixKit kit(call.writer());
  const SignAndLog parts = emit_sign_and_log(kit, det);
  const ValueId is_negative = kit.binary(ops::kLt, parts.sign, 0.0);
  const ValueId log = kit.where(is_negative, std::numeric_limits<double>::quiet_NaN(), parts.log);
  return std::vector{det.matrix.restored_numbers(kit, log)};
}

}  // namespace

void add_determinant_imports(ImportTable& imports) {
  imports.add("det.default", import_det);
  imports.add({"linalg_det.default", "_linalg_det.default"}, import_linalg_det);
  imports.add("slogdet.default", import_slogdet);
  imports.add({"linalg_slogdet.default", "_linalg_slogdet.default"}, import_linalg_slogdet);
  imports.add("logdet.default", import_logdet);
}

}  // namespace ferryman
