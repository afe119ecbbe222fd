// Distances between all pairs of rows.
#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/infer.h"
#include "ops/linalg.h"
#include "ops/names.h"
#include "ops/reduction.h"

namespace ferryman {

namespace {

// From this many rows on torch computes lengths of differences from products of matrices, which is
// faster and less exact, unless the call says otherwise.
constexpr int64_t kManyRows = 26;
enum class ProductMode : int64_t { kForManyRows = 0, kAlways = 1, kNever = 2 };

struct PointSets {
  ValueId left, right;  // [batch…, P, M] and [batch…, R, M]
};

Result<ValueId> with_new_axis(ImportContext& call, ValueId x, size_t axis) {
  Ints shape = sizes_of(call, x);
  shape.insert(shape.begin() + static_cast<int64_t>(axis), 1);
  return emit_reshape(call, x, shape);
}

Result<ValueId> emit_direct(ImportContext& call, const PointSets& rows, double p) {
  const size_t rank = rank_of(call, rows.left);
  FERRYMAN_TRY(const ValueId left, with_new_axis(call, rows.left, rank - 1));
  FERRYMAN_TRY(const ValueId right, with_new_axis(call, rows.right, rank - 2));
  FERRYMAN_TRY(const ValueId difference, call.emit(ops::kSub, {left, right}));
  return emit_norm(call, {difference, {static_cast<int64_t>(rank)}, false}, p);
}

Result<ValueId> emit_square_lengths(ImportContext& call, ValueId x) {
  const auto last = static_cast<int64_t>(rank_of(call, x)) - 1;
  FERRYMAN_TRY(const ValueId square, call.emit(ops::kSquare, {x}));
  return call.emit(ops::kSum, {square}, {{attr::kAxes, Axes{{last}}}, {attr::kKeepDim, true}});
}

Result<ValueId> emit_transposed(ImportContext& call, ValueId x) {
  const auto rank = static_cast<int64_t>(rank_of(call, x));
  Ints perm(static_cast<size_t>(rank));
  for (int64_t axis = 0; axis < rank; ++axis) perm[static_cast<size_t>(axis)] = axis;
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return emit_permute(call, x, perm);
}

// |x - y|^2 = |x|^2 - 2 x.y + |y|^2, which rounding may make negative.
Result<ValueId> emit_from_products(ImportContext& call, const PointSets& rows) {
  FERRYMAN_TRY(const ValueId left_square, emit_square_lengths(call, rows.left));
  FERRYMAN_TRY(const ValueId right_square, emit_square_lengths(call, rows.right));
  FERRYMAN_TRY(const ValueId turned_square, emit_transposed(call, right_square));
  FERRYMAN_TRY(const ValueId turned, emit_transposed(call, rows.right));
  FERRYMAN_TRY(const ValueId doubled,
               call.emit(ops::kMul, {rows.left, scalar_like(call, rows.left, -2)}));
  FERRYMAN_TRY(const ValueId products, call.emit(ops::kMatmul, {doubled, turned}));
  FERRYMAN_TRY(const ValueId part, call.emit(ops::kAdd, {products, left_square}));
  FERRYMAN_TRY(const ValueId square, call.emit(ops::kAdd, {part, turned_square}));
  FERRYMAN_TRY(const ValueId positive, call.emit(ops::kClamp, {square}, {{attr::kMin, 0.0}}));
  return call.emit(ops::kSqrt, {positive});
}

Result<PointSets> read_rows(ImportContext& call) {
  FERRYMAN_TRY(const ValueId left, call.tensor("x1"));
  FERRYMAN_TRY(const ValueId right, call.tensor("x2"));
  if (rank_of(call, left) < 2 || rank_of(call, right) < 2)
    return call.unsupported("rows need two axes");
  if (!is_floating(dtype_of(call, left)) || dtype_of(call, left) != dtype_of(call, right))
    return call.unsupported("of operands that are not of one floating point dtype");
  // Axes are counted from the left below.
  const size_t rank = std::max(rank_of(call, left), rank_of(call, right));
  PointSets rows = {left, right};
  for (ValueId* side : {&rows.left, &rows.right}) {
    Ints shape = sizes_of(call, *side);
    shape.insert(shape.begin(), rank - shape.size(), 1);
    FERRYMAN_TRY(*side, emit_reshape(call, *side, shape));
  }
  return rows;
}

Imported import_cdist(ImportContext& call) {
  FERRYMAN_TRY(const PointSets rows, read_rows(call));
  FERRYMAN_TRY(const double p, call.number("p", 2));
  FERRYMAN_TRY(const int64_t mode, call.integer("compute_mode", 0));
  const Ints left = sizes_of(call, rows.left);
  const Ints right = sizes_of(call, rows.right);
  const bool has_many = std::max(left[left.size() - 2], right[right.size() - 2]) >= kManyRows;
  const bool by_products = static_cast<ProductMode>(mode) == ProductMode::kForManyRows && has_many;
  if (p == 2 && by_products) return one_result(emit_from_products(call, rows));
  return one_result(emit_direct(call, rows, p));
}

Imported import_euclidean_dist(ImportContext& call) {
  FERRYMAN_TRY(const PointSets rows, read_rows(call));
  return one_result(emit_from_products(call, rows));
}

// Of the pairs i < j of rows, in order.
Imported import_pdist(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const double p, call.number("p", 2));
  const Ints sizes = sizes_of(call, x);
  if (sizes.size() != 2 || !is_floating(dtype_of(call, x)))
    return call.unsupported("of something else than rows of real numbers");
  Ints first;
  Ints second;
  for (int64_t i = 0; i < sizes[0]; ++i) {
    for (int64_t j = i + 1; j < sizes[0]; ++j) {
      first.push_back(i);
      second.push_back(j);
    }
  }
  const auto count = static_cast<int64_t>(first.size());
  if (count == 0)
    return std::vector{
        call.builder().constant(TensorData::filled(dtype_of(call, x), {0}, 0), "empty")};
  FERRYMAN_TRY(const ValueId left, emit_gather(call, x, int_constant(call, {count}, first), 0));
  FERRYMAN_TRY(const ValueId right, emit_gather(call, x, int_constant(call, {count}, second), 0));
  FERRYMAN_TRY(const ValueId difference, call.emit(ops::kSub, {left, right}));
  return one_result(emit_norm(call, {difference, {1}, false}, p));
}

}  // namespace

void add_distance_imports(ImportTable& imports) {
  imports.add({"cdist.default", "_cdist_forward.default"}, import_cdist);
  imports.add("_euclidean_dist.default", import_euclidean_dist);
  imports.add({"pdist.default", "_pdist_forward.default"}, import_pdist);
}

}  // namespace ferryman
