// Distances between all pairs of rows.
#include "ops/attrs.h"
#include "ops/infer.h"
#include "ops/linalg/linalg.h"
#include "ops/names.h"
#include "ops/reduce/reduction.h"

namespace ferryman {

namespace {

// From this many rows on torch computes lengths of differences from products of matrices, which is
// faster and less exact, unless the call says otherwise.
constexpr int64_t kManyRows = 26;
enum class ProductMode : int64_t { kForManyRows = 0, kAlways = 1, kNever = 2 };

struct PointSets {
  ValueId left, right;  // [batch…, P, M] and [batch…, R, M]
};

ValueId with_new_axis(CoreWriter write, ValueId x, size_t axis) {
  Dims shape = write.dims(x);
  shape.insert(shape.begin() + static_cast<int64_t>(axis), Dim(1));
  return write.reshape(x, shape);
}

ValueId emit_direct(CoreWriter write, const PointSets& rows, double p) {
  const size_t rank = write.rank(rows.left);
  const ValueId left = with_new_axis(write, rows.left, rank - 1);
  const ValueId right = with_new_axis(write, rows.right, rank - 2);
  return emit_norm(write, {write.sub(left, right), {static_cast<int64_t>(rank)}, false}, p);
}

ValueId emit_square_lengths(CoreWriter write, ValueId x) {
  const auto last = static_cast<int64_t>(write.rank(x)) - 1;
  const ValueId square = write.square(x);
  return write.reduce(ops::kSum, square, {last}, /*keepdim=*/true);
}

ValueId emit_transposed(CoreWriter write, ValueId x) {
  const auto rank = static_cast<int64_t>(write.rank(x));
  Ints perm(static_cast<size_t>(rank));
  for (int64_t axis = 0; axis < rank; ++axis) perm[static_cast<size_t>(axis)] = axis;
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return write.permute(x, perm);
}

// |x - y|^2 = |x|^2 - 2 x.y + |y|^2, which rounding may make negative.
ValueId emit_from_products(CoreWriter write, const PointSets& rows) {
  const ValueId left_square = emit_square_lengths(write, rows.left);
  const ValueId right_square = emit_square_lengths(write, rows.right);
  const ValueId turned_square = emit_transposed(write, right_square);
  const ValueId turned = emit_transposed(write, rows.right);
  const ValueId products = write.binary(ops::kMatmul, write.mul(rows.left, -2), turned);
  const ValueId square = write.add(write.add(products, left_square), turned_square);
  return write.sqrt(write.op(ops::kClamp, {square}, {{attr::kMin, 0.0}}));
}

Result<PointSets> read_rows(ImportContext& call) {
  FERRYMAN_TRY(const ValueId left, call.tensor("x1"));
  FERRYMAN_TRY(const ValueId right, call.tensor("x2"));
  const CoreWriter write = call.writer();
  if (write.rank(left) < 2 || write.rank(right) < 2) return call.unsupported("rows need two axes");
  if (!is_floating(write.dtype(left)) || write.dtype(left) != write.dtype(right))
    return call.unsupported("of operands that are not of one floating point dtype");
  // Axes are counted from the left below.
  const size_t rank = std::max(write.rank(left), write.rank(right));
  PointSets rows = {left, right};
  for (ValueId* side : {&rows.left, &rows.right}) {
    Dims shape = write.dims(*side);
    shape.insert(shape.begin(), rank - shape.size(), Dim(1));
    *side = write.reshape(*side, shape);
  }
  return rows;
}

Imported import_cdist(ImportContext& call) {
  FERRYMAN_TRY(const PointSets rows, read_rows(call));
  FERRYMAN_TRY(const double p, call.number("p", 2));
  FERRYMAN_TRY(const int64_t mode, call.integer("compute_mode", 0));
  const CoreWriter write = call.writer();
  const auto has_many_rows = [&](ValueId side) {
    const Dim count = write.dim(side, static_cast<int64_t>(write.rank(side)) - 2);
    return !count.is_static() || count.size() >= kManyRows;
  };
  const bool has_many = has_many_rows(rows.left) || has_many_rows(rows.right);
  const bool by_products = static_cast<ProductMode>(mode) == ProductMode::kForManyRows && has_many;
  if (p == 2 && by_products) return one_result(emit_from_products(write, rows));
  return one_result(emit_direct(write, rows, p));
}

Imported import_euclidean_dist(ImportContext& call) {
  FERRYMAN_TRY(const PointSets rows, read_rows(call));
  return one_result(emit_from_products(call.writer(), rows));
}

// Of the pairs i < j of rows, in order.
Imported import_pdist(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const double p, call.number("p", 2));
  const CoreWriter write = call.writer();
  const Ints sizes = write.sizes(x);
  if (sizes.size() != 2 || !is_floating(write.dtype(x)))
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
    return std::vector{write.constant(TensorData::filled(write.dtype(x), {0}, 0), "empty")};
  const ValueId left = write.gather(x, 0, write.indices({count}, first));
  const ValueId difference = write.sub(left, write.gather(x, 0, write.indices({count}, second)));
  return one_result(emit_norm(write, {difference, {1}, false}, p));
}

}  // namespace

void add_distance_imports(ImportTable& imports) {
  imports.add({"cdist.default", "_cdist_forward.default"}, import_cdist);
  imports.add("_euclidean_dist.default", import_euclidean_dist);
  imports.add({"pdist.default", "_pdist_forward.default"}, import_pdist);
}

}  // namespace ferryman
