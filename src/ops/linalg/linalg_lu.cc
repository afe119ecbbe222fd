// LU factors of small matrices with LAPACK's row swaps, and what is solved with them.
#include <algorithm>
#include <numeric>

#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_factor.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

Result<MatrixBatch> read_pivoted(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const MatrixBatch a, read_rectangular(call, name));
  FERRYMAN_TRY(const bool pivot, call.flag("pivot", true));
  if (!pivot) return call.unsupported("without pivots, as in PyTorch on a CPU");
  return a;
}

// [batch…, steps] i32, the row (from 1) that each step swaps with its own.
ValueId row_numbers(MatrixKit& kit, const MatrixBatch& a, const Lu& lu) {
  if (!lu.pivots.valid())
    return a.restored_vectors(kit, kit.cast(kit.zeros(a.flat, 1, 0), DType::kI32));
  std::vector<double> own(static_cast<size_t>(kit.num_columns(lu.pivots)));
  std::iota(own.begin(), own.end(), 1.0);
  const ValueId from_own = kit.cast(lu.pivots, DType::kI32);
  const ValueId first = kit.matrix(DType::kI32, {1, 1, kit.num_columns(lu.pivots)}, own);
  return a.restored_vectors(kit, kit.add(from_own, first));
}

Imported import_lu_factor_of(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const MatrixBatch a, read_pivoted(call, name));
  call.ignore("check_errors");  // no way to raise at run time
  MatrixKit kit(call.writer());
  const Lu lu = factor_lu(kit, a.flat, {});
  std::vector<ValueId> results = {a.restored(kit, lu.packed), row_numbers(kit, a, lu)};
  if (call.num_results() > 2) results.push_back(a.restored_numbers(kit, failed_pivot(kit, lu)));
  return results;
}
Imported import_lu_factor(ImportContext& call) {
  return import_lu_factor_of(call, "A");
}
Imported import_lu_with_info(ImportContext& call) {
  return import_lu_factor_of(call, "self");
}

struct Factors {
  ValueId lower, upper;
};

Factors split_factors(MatrixKit& kit, ValueId packed) {
  const int64_t rows = kit.num_rows(packed);
  const int64_t columns = kit.num_columns(packed);
  const int64_t steps = std::min(rows, columns);
  const auto is_below = [](int64_t i, int64_t j) { return i > j; };
  const ValueId lower =
      kit.masked(kit.columns(packed, 0, steps), is_below, kit.identity(packed, rows, steps));
  return {lower, kit.upper(kit.rows(packed, 0, steps))};
}

// a = P L U: P undoes the swaps that brought the rows of a into order.
Imported import_lu(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_pivoted(call, "A"));
  MatrixKit kit(call.writer());
  const int64_t rows = kit.num_rows(a.flat);
  const ValueId one = kit.repeat(kit.identity(a.flat, rows, rows), kit.batch(a.flat));
  const Lu lu = factor_lu(kit, a.flat, {one, Carry::kSwapRows});
  const Factors factors = split_factors(kit, lu.packed);
  return std::vector{a.restored(kit, kit.transpose(lu.carried)), a.restored(kit, factors.lower),
                     a.restored(kit, factors.upper)};
}

// [batch…, steps] -> [B, steps, 1] i32 for the batch of `factors`.
Result<ValueId> read_pivots(ImportContext& call, std::string_view name,
                            const MatrixBatch& factors) {
  FERRYMAN_TRY(const ValueId pivots, call.tensor(name));
  MatrixKit kit(call.writer());
  const Ints sizes = kit.sizes(pivots);
  const int64_t steps = std::min(kit.num_rows(factors.flat), kit.num_columns(factors.flat));
  if (sizes.empty() || sizes.back() != steps || !is_integer(kit.dtype(pivots)))
    return call.unsupported("pivots that do not belong to the factors");
  Ints shape = factors.batch;
  shape.push_back(steps);
  const ValueId expanded = kit.expand(kit.cast(pivots, DType::kI32), shape);
  return kit.reshape(expanded, {product(factors.batch), steps, 1});
}

ValueId nothing(CoreWriter write, DType dtype) {
  return write.constant(TensorData::filled(dtype, {0}, 0), "empty");
}

Imported import_lu_unpack(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch packed, read_matrices(call, "LU_data"));
  FERRYMAN_TRY(const bool wants_factors, call.flag("unpack_data", true));
  FERRYMAN_TRY(const bool wants_swaps, call.flag("unpack_pivots", true));
  FERRYMAN_TRY(const ValueId pivots, read_pivots(call, "LU_pivots", packed));
  MatrixKit kit(call.writer());
  const int64_t rows = kit.num_rows(packed.flat);
  FERRYMAN_TRY_STATUS(check_steps(call, rows));
  std::vector<ValueId> results(3, nothing(kit, kit.dtype(packed.flat)));
  if (wants_swaps) {
    const ValueId one = kit.repeat(kit.identity(packed.flat, rows, rows), kit.batch(packed.flat));
    const ValueId swapped = swap_rows(kit, one, pivots, SwapOrder::kForward);
    results[0] = packed.restored(kit, kit.transpose(swapped));
  }
  if (wants_factors) {
    const Factors factors = split_factors(kit, packed.flat);
    results[1] = packed.restored(kit, factors.lower);
    results[2] = packed.restored(kit, factors.upper);
  }
  return results;
}

enum class Orientation : uint8_t { kPlain, kTransposed };

// x with P L U x = b or its transpose.
ValueId solve_factored(MatrixKit& kit, ValueId packed, ValueId pivots, ValueId b,
                       Orientation side) {
  if (side == Orientation::kPlain) {
    const ValueId swapped = swap_rows(kit, b, pivots, SwapOrder::kForward);
    const ValueId y = solve_triangular(kit, packed, swapped, {Triangle::kLower, Diagonal::kOne});
    return solve_triangular(kit, packed, y, {Triangle::kUpper});
  }
  const ValueId turned = kit.transpose(packed);
  const ValueId y = solve_triangular(kit, turned, b, {Triangle::kLower});
  const ValueId z = solve_triangular(kit, turned, y, {Triangle::kUpper, Diagonal::kOne});
  return swap_rows(kit, z, pivots, SwapOrder::kBackward);
}

struct LuSolveNames {
  std::string_view packed, pivots, right;
};

Imported import_lu_solve_of(ImportContext& call, const LuSolveNames& names) {
  FERRYMAN_TRY(const MatrixBatch packed, read_square(call, names.packed));
  FERRYMAN_TRY(const MatrixBatch right, read_matrices(call, names.right));
  FERRYMAN_TRY(const bool left, call.flag("left", true));
  FERRYMAN_TRY(const bool adjoint, call.flag("adjoint", false));
  FERRYMAN_TRY(const auto both, with_common_batch(call, packed, right));
  FERRYMAN_TRY(const ValueId pivots, read_pivots(call, names.pivots, both.first));
  MatrixKit kit(call.writer());
  // x a = b is a^T x^T = b^T
  const ValueId b = left ? both.second.flat : kit.transpose(both.second.flat);
  if (kit.num_rows(b) != kit.num_rows(both.first.flat))
    return call.unsupported("a system and a right side of different sizes");
  const Orientation side = left == adjoint ? Orientation::kTransposed : Orientation::kPlain;
  const ValueId x = solve_factored(kit, both.first.flat, pivots, b, side);
  return std::vector{both.first.restored(kit, left ? x : kit.transpose(x))};
}

Imported import_linalg_lu_solve(ImportContext& call) {
  return import_lu_solve_of(call, {"LU", "pivots", "B"});
}
Imported import_lu_solve(ImportContext& call) {
  return import_lu_solve_of(call, {"LU_data", "LU_pivots", "self"});
}

}  // namespace

void add_lu_imports(ImportTable& imports) {
  imports.add({"linalg_lu_factor.default", "linalg_lu_factor_ex.default"}, import_lu_factor);
  imports.add("_lu_with_info.default", import_lu_with_info);
  imports.add("linalg_lu.default", import_lu);
  imports.add("lu_unpack.default", import_lu_unpack);
  imports.add("linalg_lu_solve.default", import_linalg_lu_solve);
  imports.add("lu_solve.default", import_lu_solve);
}

}  // namespace ferryman
