// QR factors of small matrices by Householder's reflectors, as LAPACK stores and signs them.
#include <algorithm>

#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_factor.h"

namespace ferryman {

namespace {

Imported import_geqrf(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_rectangular(call, "self"));
  MatrixKit kit(call.writer());
  const Reflectors qr = factor_qr(kit, a.flat);
  const ValueId taus = qr.taus.valid() ? qr.taus : kit.zeros(a.flat, 0, 1);
  return std::vector{a.restored(kit, qr.packed), a.restored_vectors(kit, taus)};
}

// Q's first columns, as many as asked for.
ValueId emit_q(MatrixKit& kit, const Reflectors& reflectors, int64_t columns) {
  const int64_t rows = kit.num_rows(reflectors.packed);
  const ValueId one = kit.identity(reflectors.packed, rows, columns);
  return apply_reflectors(kit, reflectors, kit.repeat(one, kit.batch(reflectors.packed)),
                          Reflection::kQ);
}

enum class QrForm : uint8_t { kReduced, kComplete, kOnlyR };

Imported emit_qr(ImportContext& call, const MatrixBatch& a, QrForm form) {
  MatrixKit kit(call.writer());
  const Reflectors qr = factor_qr(kit, a.flat);
  const int64_t rows = kit.num_rows(a.flat);
  const int64_t kept = form == QrForm::kComplete ? rows : std::min(rows, kit.num_columns(a.flat));
  const ValueId r = a.restored(kit, kit.upper(kit.rows(qr.packed, 0, kept)));
  if (form == QrForm::kOnlyR) {
    const TensorData empty = TensorData::filled(kit.dtype(a.flat), {0}, 0);
    return std::vector{kit.constant(empty, "empty"), r};
  }
  return std::vector{a.restored(kit, emit_q(kit, qr, kept)), r};
}

Imported import_linalg_qr(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_rectangular(call, "A"));
  FERRYMAN_TRY(const std::string mode, call.text("mode", "reduced"));
  if (mode == "r") return emit_qr(call, a, QrForm::kOnlyR);
  return emit_qr(call, a, mode == "complete" ? QrForm::kComplete : QrForm::kReduced);
}

Imported import_qr(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_rectangular(call, "self"));
  FERRYMAN_TRY(const bool some, call.flag("some", true));
  return emit_qr(call, a, some ? QrForm::kReduced : QrForm::kComplete);
}

// The reflectors that two tensors hold; their batches are the same.
Result<Reflectors> read_reflectors(ImportContext& call, const MatrixBatch& packed,
                                   std::string_view taus_name) {
  FERRYMAN_TRY(const ValueId taus, call.tensor(taus_name));
  MatrixKit kit(call.writer());
  const Ints sizes = call.writer().sizes(taus);
  const int64_t steps = sizes.empty() ? -1 : sizes.back();
  if (steps < 0 || steps > kit.num_columns(packed.flat) || steps > kit.num_rows(packed.flat) ||
      Ints(sizes.begin(), sizes.end() - 1) != packed.batch)
    return call.unsupported("factors that do not belong to the reflectors");
  FERRYMAN_TRY_STATUS(check_steps(call, steps));
  return Reflectors{packed.flat, kit.reshape(taus, {product(packed.batch), steps, 1})};
}

template <bool kIsOrgqr>
Imported import_householder_product(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch packed, read_matrices(call, kIsOrgqr ? "self" : "input"));
  FERRYMAN_TRY(const Reflectors reflectors,
               read_reflectors(call, packed, kIsOrgqr ? "input2" : "tau"));
  MatrixKit kit(call.writer());
  return std::vector{packed.restored(kit, emit_q(kit, reflectors, kit.num_columns(packed.flat)))};
}

// Q c, Q^T c, c Q = (Q^T c^T)^T or c Q^T
Imported import_ormqr(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch packed, read_matrices(call, "self"));
  FERRYMAN_TRY(const Reflectors reflectors, read_reflectors(call, packed, "input2"));
  FERRYMAN_TRY(const MatrixBatch other, read_matrices(call, "input3"));
  FERRYMAN_TRY(const bool left, call.flag("left", true));
  FERRYMAN_TRY(const bool transpose, call.flag("transpose", false));
  MatrixKit kit(call.writer());
  const ValueId c = left ? other.flat : kit.transpose(other.flat);
  if (kit.num_rows(c) != kit.num_rows(packed.flat) || other.batch != packed.batch)
    return call.unsupported("reflectors and a matrix of different sizes");
  const Reflection how = left == transpose ? Reflection::kTransposed : Reflection::kQ;
  const ValueId product = apply_reflectors(kit, reflectors, c, how);
  return std::vector{other.restored(kit, left ? product : kit.transpose(product))};
}

}  // namespace

void add_qr_imports(ImportTable& imports) {
  imports.add("geqrf.default", import_geqrf);
  imports.add("linalg_qr.default", import_linalg_qr);
  imports.add("qr.default", import_qr);
  imports.add("linalg_householder_product.default", import_householder_product<false>);
  imports.add("orgqr.default", import_householder_product<true>);
  imports.add("ormqr.default", import_ormqr);
}

}  // namespace ferryman
