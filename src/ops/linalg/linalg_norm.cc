// Norms and condition numbers of matrices.
#include <algorithm>
#include <cmath>
#include <optional>

#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_jacobi.h"
#include "ops/names.h"
#include "ops/reduce/reduction.h"

namespace ferryman {

namespace {

enum class NormKind : uint8_t { kFrobenius, kNuclear, kSpectral, kColumns, kRows };

// `largest`: of the sums or singular values the largest counts, else the smallest.
struct MatrixNorm {
  NormKind kind;
  bool largest = true;
};

Result<MatrixNorm> parse_norm(ImportContext& call, const ImportArg& order) {
  if (const auto* name = std::get_if<std::string>(&order.value)) {
    if (*name == "fro") return MatrixNorm{NormKind::kFrobenius};
    if (*name == "nuc") return MatrixNorm{NormKind::kNuclear};
    return call.unsupported("unknown norm '" + *name + "'");
  }
  const auto* real = std::get_if<double>(&order.value);
  const auto* whole = std::get_if<int64_t>(&order.value);
  const double p = real != nullptr ? *real : whole != nullptr ? static_cast<double>(*whole) : 0;
  if (std::fabs(p) == 1) return MatrixNorm{NormKind::kColumns, p > 0};
  if (std::fabs(p) == 2) return MatrixNorm{NormKind::kSpectral, p > 0};
  if (std::isinf(p)) return MatrixNorm{NormKind::kRows, p > 0};
  return call.unsupported("this order of a matrix norm");
}

bool needs_singular_values(MatrixNorm norm) {
  return norm.kind == NormKind::kNuclear || norm.kind == NormKind::kSpectral;
}

// [B, 1, 1]
ValueId emit_matrix_norm(MatrixKit& kit, ValueId a, MatrixNorm norm) {
  const OpName extreme = norm.largest ? ops::kAmax : ops::kAmin;
  switch (norm.kind) {
    case NormKind::kFrobenius:
      return kit.sqrt(kit.reduce(ops::kSum, kit.square(a), {1, 2}));
    case NormKind::kNuclear:
      return kit.reduce(ops::kSum, singular_values(kit, a), {2});
    case NormKind::kSpectral:
      return kit.reduce(extreme, singular_values(kit, a), {2});
    case NormKind::kColumns:
      return kit.reduce(extreme, kit.reduce(ops::kSum, kit.abs(a), {1}), {2});
    case NormKind::kRows:
      return kit.reduce(extreme, kit.reduce(ops::kSum, kit.abs(a), {2}), {1});
  }
  return a;
}

// What a call says of the matrices: the axes of their rows and columns.
struct NormAxes {
  ValueId x;
  int64_t rows, columns;
  bool keepdim;
};

// The matrices with their axes moved to the end.
Result<MatrixBatch> read_norm_operand(ImportContext& call, const NormAxes& axes) {
  Ints perm;
  const CoreWriter write = call.writer();
  for (int64_t axis = 0; axis < static_cast<int64_t>(write.rank(axes.x)); ++axis) {
    if (axis != axes.rows && axis != axes.columns) perm.push_back(axis);
  }
  perm.insert(perm.end(), {axes.rows, axes.columns});
  return as_matrices(call, write.permute(axes.x, perm));
}

Imported emit_norm_of_axes(ImportContext& call, const NormAxes& axes, MatrixNorm norm) {
  FERRYMAN_TRY(const MatrixBatch a, read_norm_operand(call, axes));
  MatrixKit kit(call.writer());
  const int64_t smaller = std::min(kit.num_rows(a.flat), kit.num_columns(a.flat));
  if (needs_singular_values(norm)) FERRYMAN_TRY_STATUS(check_steps(call, smaller));
  Ints shape = a.batch;
  if (axes.keepdim) {
    shape = kit.sizes(axes.x);
    shape[static_cast<size_t>(axes.rows)] = shape[static_cast<size_t>(axes.columns)] = 1;
  }
  // 0 for every order that torch takes then.
  if (smaller == 0)
    return std::vector{kit.constant(TensorData::filled(kit.dtype(axes.x), shape, 0), "zeros")};
  return one_result(kit.reshape(emit_matrix_norm(kit, a.flat, norm), shape));
}

// Two axes, in the order of the call.
Result<NormAxes> read_norm_axes(ImportContext& call, ValueId x, std::string_view name) {
  FERRYMAN_TRY(const Ints dims, call.integers(name, Ints{-2, -1}));
  FERRYMAN_TRY(const bool keepdim, call.flag("keepdim", false));
  if (dims.size() != 2) return call.unsupported("a matrix norm needs two axes");
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t rows, normalise_axis(dims[0], write.rank(x)));
  FERRYMAN_TRY(const int64_t columns, normalise_axis(dims[1], write.rank(x)));
  if (rows == columns) return call.unsupported("an axis occurs twice");
  return NormAxes{x, rows, columns, keepdim};
}

Imported import_matrix_norm(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_float_reduction(call));  // for the dtype
  FERRYMAN_TRY(const NormAxes axes, read_norm_axes(call, reduction.x, "dim"));
  const ImportArg* order = call.find("ord");
  FERRYMAN_TRY(const MatrixNorm norm,
               parse_norm(call, order == nullptr ? ImportArg{std::string("fro")} : *order));
  return emit_norm_of_axes(call, axes, norm);
}

// Without an order the length of all elements; with one, a norm of vectors or of matrices.
Imported import_linalg_norm(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_float_reduction(call));
  const CoreWriter write = call.writer();
  if (!call.given("ord")) return one_result(emit_norm(write, reduction, 2));
  const bool has_axes = call.given("dim");
  const size_t num_axes = has_axes ? reduction.axes.size() : write.rank(reduction.x);
  if (num_axes == 2) return import_matrix_norm(call);
  if (num_axes != 1) return call.unsupported("an order, but neither a vector nor a matrix");
  FERRYMAN_TRY(const double p, call.number("ord"));
  return one_result(emit_norm(write, reduction, p));
}

Imported import_nuclear_norm(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const NormAxes axes, read_norm_axes(call, x, "dim"));
  return emit_norm_of_axes(call, axes, {NormKind::kNuclear});
}

// The ratio of the extreme singular values, or the norm of the matrix times that of its inverse.
Imported import_cond(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_rectangular(call, "self"));
  MatrixKit kit(call.writer());
  MatrixNorm norm = {NormKind::kSpectral};
  if (call.given("p")) {
    FERRYMAN_TRY(norm, parse_norm(call, *call.find("p")));
  }
  if (kit.num_rows(a.flat) == 0 || kit.num_columns(a.flat) == 0)
    return call.unsupported("of matrices without elements");
  if (norm.kind == NormKind::kSpectral) {
    const ValueId values = singular_values(kit, a.flat);
    const ValueId largest = kit.column(values, 0);
    const ValueId smallest = kit.column(values, kit.num_columns(values) - 1);
    const ValueId ratio = norm.largest ? kit.div(largest, smallest) : kit.div(smallest, largest);
    return std::vector{a.restored_numbers(kit, ratio)};
  }
  if (kit.num_rows(a.flat) != kit.num_columns(a.flat))
    return call.unsupported("this condition number of a matrix that is not square");
  const ValueId inverse = invert(kit, a.flat);
  const ValueId number =
      kit.mul(emit_matrix_norm(kit, a.flat, norm), emit_matrix_norm(kit, inverse, norm));
  return std::vector{a.restored_numbers(kit, number)};
}

}  // namespace

void add_matrix_norm_imports(ImportTable& imports) {
  imports.add({"linalg_norm.default", "linalg_norm.ord_str"}, import_linalg_norm);
  imports.add({"linalg_matrix_norm.default", "linalg_matrix_norm.str_ord"}, import_matrix_norm);
  imports.add({"nuclear_norm.default", "nuclear_norm.dim"}, import_nuclear_norm);
  imports.add({"linalg_cond.default", "linalg_cond.p_str"}, import_cond);
}

}  // namespace ferryman
