// Singular values and eigenvalues of small matrices, and what is made of them. Vectors are refused:
// their signs are those of LAPACK's iteration, which is not repeated here.
#include <algorithm>
#include <limits>

#include "ops/attrs.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_jacobi.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

Status check_vectors_unread(ImportContext& call, std::initializer_list<size_t> results) {
  for (const size_t i : results) {
    if (call.is_result_read(i))
      return call.unsupported("vectors, whose signs depend on LAPACK's iteration")
          .hint(
              "use the values only, or an op that does not depend on the signs, such as "
              "linalg.pinv or linalg.matrix_exp");
  }
  return {};
}

// ---- values ----

Imported import_svdvals(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_rectangular(call, "A"));
  call.ignore("driver");
  MatrixKit kit(call.writer());
  return std::vector{a.restored_vectors(kit, singular_values(kit, a.flat))};
}

// (U, S, Vh), of which S
Imported import_linalg_svd(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_rectangular(call, "A"));
  for (const std::string_view name : {"driver", "full_matrices", "compute_uv"}) call.ignore(name);
  FERRYMAN_TRY_STATUS(check_vectors_unread(call, {0, 2}));
  MatrixKit kit(call.writer());
  return std::vector{ValueId(), a.restored_vectors(kit, singular_values(kit, a.flat)), ValueId()};
}

ValueId zeros_for_result(ImportContext& call, size_t index) {
  const TensorType& type = call.result_type(index);
  return call.writer().constant(TensorData::filled(type.dtype, static_sizes(type.dims), 0),
                                "zeros");
}

// Without vectors torch gives zeros in their place.
Imported import_svd(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_rectangular(call, "self"));
  FERRYMAN_TRY(const bool computes_vectors, call.flag("compute_uv", true));
  call.ignore("some");
  if (computes_vectors) FERRYMAN_TRY_STATUS(check_vectors_unread(call, {0, 2}));
  MatrixKit kit(call.writer());
  return std::vector{zeros_for_result(call, 0),
                     a.restored_vectors(kit, singular_values(kit, a.flat)),
                     zeros_for_result(call, 2)};
}

Result<MatrixBatch> read_symmetric(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(MatrixBatch a, read_square(call, name));
  FERRYMAN_TRY(const std::string triangle, call.text("UPLO", "L"));
  MatrixKit kit(call.writer());
  const bool reads_lower = triangle == "L" || triangle == "l";
  a.flat = kit.mirrored_lower(reads_lower ? a.flat : kit.transpose(a.flat));
  return a;
}

Imported import_eigvalsh(ImportContext& call) {
  const bool is_inner = call.target().starts_with("_");
  FERRYMAN_TRY(const MatrixBatch a, read_symmetric(call, is_inner ? "A" : "self"));
  call.ignore("compute_v");
  if (call.num_results() > 1) FERRYMAN_TRY_STATUS(check_vectors_unread(call, {1}));
  MatrixKit kit(call.writer());
  std::vector<ValueId> results(call.num_results());
  results.front() = a.restored_vectors(kit, symmetric_eigenvalues(kit, a.flat));
  return results;
}

// ---- rank and pseudo-inverse ----

// A matrix of which an op may read one triangle only.
Result<MatrixBatch> read_maybe_hermitian(ImportContext& call) {
  const bool named_input = call.find("input") != nullptr;
  FERRYMAN_TRY(MatrixBatch a, read_rectangular(call, named_input ? "input" : "self"));
  FERRYMAN_TRY(const bool hermitian, call.flag("hermitian", false));
  MatrixKit kit(call.writer());
  if (hermitian) a.flat = kit.mirrored_lower(a.flat);
  return a;
}

// The absolute and the relative tolerance, as numbers or tensors.
struct Tolerances {
  ValueId absolute, relative;
};

// torch's default: a few roundings of the largest value, unless an absolute tolerance is given.
Result<Tolerances> read_tolerances(ImportContext& call, const MatrixBatch& a) {
  MatrixKit kit(call.writer());
  const DType dtype = kit.dtype(a.flat);
  const ValueId zero = kit.scalar(dtype, 0);
  for (const std::string_view name : {"tol", "rcond"}) {
    if (!call.given(name)) continue;
    FERRYMAN_TRY(const ValueId given, tensor_as(call, name, dtype));
    return name == "tol" ? Tolerances{given, zero} : Tolerances{zero, given};
  }
  Tolerances tolerances = {zero, zero};
  if (call.given("atol")) {
    FERRYMAN_TRY(tolerances.absolute, tensor_as(call, "atol", dtype));
  }
  if (call.given("rtol")) {
    FERRYMAN_TRY(tolerances.relative, tensor_as(call, "rtol", dtype));
    return tolerances;
  }
  const double size = static_cast<double>(std::max(kit.num_rows(a.flat), kit.num_columns(a.flat)));
  const ValueId rounding = kit.scalar(dtype, size * double{std::numeric_limits<float>::epsilon()});
  const ValueId is_given = kit.binary(ops::kGt, tolerances.absolute, zero);
  tolerances.relative = kit.where(is_given, zero, rounding);
  return tolerances;
}

// [batch…, 1], or what the tolerances broadcast it to: the size up to which values count as 0.
ValueId emit_cutoff(CoreWriter write, Tolerances tolerances, ValueId largest) {
  for (ValueId* tolerance : {&tolerances.absolute, &tolerances.relative}) {
    Ints shape = write.sizes(*tolerance);
    shape.push_back(1);
    *tolerance = write.reshape(*tolerance, shape);
  }
  return write.binary(ops::kMaximum, tolerances.absolute, write.mul(tolerances.relative, largest));
}

Imported import_matrix_rank(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_maybe_hermitian(call));
  FERRYMAN_TRY(const Tolerances tolerances, read_tolerances(call, a));
  MatrixKit kit(call.writer());
  if (kit.num_rows(a.flat) == 0 || kit.num_columns(a.flat) == 0)
    return std::vector{zeros_for_result(call, 0)};
  const ValueId values = a.restored_vectors(kit, singular_values(kit, a.flat));
  const auto last = static_cast<int64_t>(a.batch.size());
  const CoreWriter write = call.writer();
  const ValueId cutoff = emit_cutoff(write, tolerances, write.slice_axis(values, last, 0, 1));
  const ValueId ones = write.cast(write.binary(ops::kGt, values, cutoff), DType::kI64);
  const auto axis = static_cast<int64_t>(write.rank(ones)) - 1;
  return one_result(write.reduce(ops::kSum, ones, {axis}, /*keepdim=*/false));
}

// With a = t^T r, t orthogonal and r of orthogonal rows with lengths s: r^T diag(1 / s^2) t.
Result<ValueId> emit_pseudo_inverse(ImportContext& call, const MatrixBatch& a, ValueId matrix,
                                    Tolerances tolerances) {
  MatrixKit kit(call.writer());
  const OrthogonalRows found = orthogonalise_rows(kit, matrix);
  const ValueId largest = a.restored_vectors(kit, kit.reduce(ops::kAmax, found.lengths, {1}));
  const ValueId cutoff = emit_cutoff(kit, tolerances, largest);
  if (kit.sizes(cutoff) != kit.sizes(largest))
    return call.unsupported("tolerances with more axes than the batch");
  const ValueId cutoffs = kit.reshape(cutoff, {kit.batch(matrix), 1, 1});
  const ValueId is_kept = kit.binary(ops::kGt, found.lengths, cutoffs);
  const ValueId safe = kit.where(is_kept, found.lengths, 1.0);
  const ValueId factors = kit.where(is_kept, kit.unary(ops::kReciprocal, safe), 0.0);
  const ValueId unit_rows = kit.mul(found.rows, factors);
  const ValueId scaled_turn = kit.mul(found.turn, factors);
  return kit.matmul(kit.transpose(unit_rows), scaled_turn);
}

Imported import_pinv(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_maybe_hermitian(call));
  FERRYMAN_TRY(const Tolerances tolerances, read_tolerances(call, a));
  MatrixKit kit(call.writer());
  const int64_t rows = kit.num_rows(a.flat);
  const int64_t columns = kit.num_columns(a.flat);
  if (rows == 0 || columns == 0)
    return std::vector{a.restored(kit, kit.zeros(a.flat, columns, rows))};
  const bool is_tall = rows > columns;
  const ValueId wide = is_tall ? kit.transpose(a.flat) : a.flat;
  FERRYMAN_TRY(const ValueId inverse, emit_pseudo_inverse(call, a, wide, tolerances));
  return std::vector{a.restored(kit, is_tall ? kit.transpose(inverse) : inverse)};
}

}  // namespace

void add_spectrum_imports(ImportTable& imports) {
  imports.add("linalg_svdvals.default", import_svdvals);
  imports.add({"linalg_svd.default", "_linalg_svd.default"}, import_linalg_svd);
  imports.add("svd.default", import_svd);
  imports.add({"linalg_eigvalsh.default", "linalg_eigh.default", "_linalg_eigh.default"},
              import_eigvalsh);
  imports.add({"linalg_matrix_rank.default", "linalg_matrix_rank.tol_tensor",
               "linalg_matrix_rank.atol_rtol_tensor", "linalg_matrix_rank.atol_rtol_float"},
              import_matrix_rank);
  imports.add({"linalg_pinv.default", "linalg_pinv.rcond_tensor", "linalg_pinv.atol_rtol_tensor",
               "linalg_pinv.atol_rtol_float", "pinverse.default"},
              import_pinv);
}

}  // namespace ferryman
