// Inverses of small matrices, and systems with them.
#include <algorithm>
#include <limits>
#include <numeric>

#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_factor.h"
#include "ops/names.h"

namespace ferryman {

namespace {

// ---- inverse ----

Imported import_inverse_of(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const MatrixBatch a, read_square(call, name));
  call.ignore("check_errors");  // no way to raise at run time
  MatrixKit kit(call.writer());
  const int64_t size = kit.num_rows(a.flat);
  const ValueId one = kit.repeat(kit.identity(a.flat, size, size), kit.batch(a.flat));
  const Lu lu = factor_lu(kit, a.flat, {one, Carry::kEliminate});
  const ValueId x = solve_triangular(kit, lu.packed, lu.carried, {Triangle::kUpper});
  std::vector<ValueId> results = {a.restored(kit, x)};
  if (call.num_results() > 1) results.push_back(a.restored_numbers(kit, failed_pivot(kit, lu)));
  return results;
}

Imported import_inv(ImportContext& call) {
  return import_inverse_of(call, "A");
}
Imported import_inverse(ImportContext& call) {
  return import_inverse_of(call, "self");
}

// The first `ind` axes become one, the others become one.
Imported import_tensorinv(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t ind, call.integer("ind", 2));
  MatrixKit kit(call.writer());
  const Ints sizes = kit.sizes(x);
  if (ind < 1 || ind > static_cast<int64_t>(sizes.size()))
    return call.unsupported("'ind' outside the axes");
  const Ints rows(sizes.begin(), sizes.begin() + ind);
  Ints shape(sizes.begin() + ind, sizes.end());
  if (product(rows) != product(shape)) return call.unsupported("of a tensor that is not square");
  FERRYMAN_TRY_STATUS(check_steps(call, product(rows)));
  const ValueId flat = kit.reshape(x, {product(rows), product(shape)});
  FERRYMAN_TRY(const MatrixBatch a, as_matrices(call, flat));
  shape.insert(shape.end(), rows.begin(), rows.end());
  return one_result(kit.reshape(invert(kit, a.flat), shape));
}

// ---- systems ----

// b is a batch of vectors where its shape is that of a without the last axis.
bool is_vector_side(CoreWriter write, ValueId a, ValueId b) {
  const Ints a_sizes = write.sizes(a);
  const Ints b_sizes = write.sizes(b);
  return b_sizes.size() == 1 ||
         (!a_sizes.empty() && Ints(a_sizes.begin(), a_sizes.end() - 1) == b_sizes);
}

// b as a matrix for the system a.
Result<MatrixBatch> read_right_side(ImportContext& call, ValueId a, ValueId b) {
  const CoreWriter write = call.writer();
  Ints shape = write.sizes(b);
  if (is_vector_side(write, a, b)) shape.push_back(1);
  return as_matrices(call, write.reshape(b, shape));
}

Imported import_solve(ImportContext& call) {
  FERRYMAN_TRY(const ValueId a, call.tensor("A"));
  FERRYMAN_TRY(const ValueId b, call.tensor("B"));
  FERRYMAN_TRY(const MatrixBatch system, read_square(call, "A"));
  FERRYMAN_TRY(const bool left, call.flag("left", true));
  call.ignore("check_errors");  // no way to raise at run time
  FERRYMAN_TRY(const MatrixBatch right, read_right_side(call, a, b));
  FERRYMAN_TRY(const auto both, with_common_batch(call, system, right));
  MatrixKit kit(call.writer());
  // x a = b is a^T x^T = b^T; a vector is its own transpose.
  const bool is_vector = is_vector_side(call.writer(), a, b);
  const bool turns = !left && !is_vector;
  const ValueId matrix = left ? both.first.flat : kit.transpose(both.first.flat);
  const ValueId side = turns ? kit.transpose(both.second.flat) : both.second.flat;
  if (kit.num_rows(side) != kit.num_rows(matrix))
    return call.unsupported("a system and a right side of different sizes");
  const ValueId x = solve_system(kit, matrix, side);
  std::vector<ValueId> results(call.num_results());
  results.front() = is_vector ? both.first.restored_vectors(kit, x)
                              : both.first.restored(kit, turns ? kit.transpose(x) : x);
  if (results.size() == 1) return results;
  // Between them stand, of the inner form, the factors.
  FERRYMAN_TRY_STATUS(check_unread(call, 1, results.size() - 1));
  const Lu lu = factor_lu(kit, system.flat, {});  // merged with the one above
  results.back() = system.restored_numbers(kit, failed_pivot(kit, lu));
  return results;
}

// self with `dims` moved to the end is a matrix from the shape of the unknown to that of other.
Imported import_tensorsolve(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId other, call.tensor("other"));
  FERRYMAN_TRY(const Ints dims, call.integers("dims", Ints{}));
  MatrixKit kit(call.writer());
  const size_t rank = kit.rank(x);
  Ints last;
  for (const int64_t dim : dims) {
    FERRYMAN_TRY(const int64_t axis, normalise_axis(dim, rank));
    last.push_back(axis);
  }
  Ints perm;
  for (int64_t axis = 0; axis < static_cast<int64_t>(rank); ++axis) {
    if (std::find(last.begin(), last.end(), axis) == last.end()) perm.push_back(axis);
  }
  perm.insert(perm.end(), last.begin(), last.end());
  x = kit.permute(x, perm);
  const Ints sizes = kit.sizes(x);
  const auto known = static_cast<int64_t>(kit.rank(other));
  if (known > static_cast<int64_t>(rank)) return call.unsupported("a right side of more axes");
  const Ints shape(sizes.begin() + known, sizes.end());
  const int64_t size = product(shape);
  FERRYMAN_TRY_STATUS(check_steps(call, size));
  const ValueId matrix = kit.reshape(x, {1, size, size});
  const ValueId side = kit.reshape(other, {1, size, 1});
  return one_result(kit.reshape(solve_system(kit, matrix, side), shape));
}

}  // namespace

void add_solve_imports(ImportTable& imports) {
  imports.add({"linalg_inv.default", "linalg_inv_ex.default"}, import_inv);
  imports.add("inverse.default", import_inverse);
  imports.add("linalg_tensorinv.default", import_tensorinv);
  imports.add({"linalg_solve.default", "linalg_solve_ex.default", "_linalg_solve_ex.default"},
              import_solve);
  imports.add("linalg_tensorsolve.default", import_tensorsolve);
}

}  // namespace ferryman
