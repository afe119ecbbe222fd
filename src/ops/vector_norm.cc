// Norms and distances, composed of reductions.
#include <cmath>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/reduction.h"

namespace ferryman {

Result<ValueId> emit_norm(ImportContext& call, const Reduction& reduction, double p) {
  const ValueId x = reduction.x;
  if (p == 2) {
    FERRYMAN_TRY(const ValueId square, call.emit(ops::kSquare, {x}));
    FERRYMAN_TRY(const ValueId sum, reduction.emit(call, ops::kSum, square));
    return call.emit(ops::kSqrt, {sum});
  }
  FERRYMAN_TRY(const ValueId magnitude, call.emit(ops::kAbs, {x}));
  if (p == 1) return reduction.emit(call, ops::kSum, magnitude);
  if (std::isinf(p)) return reduction.emit(call, p > 0 ? ops::kAmax : ops::kAmin, magnitude);
  if (p == 0) {
    FERRYMAN_TRY(const ValueId truth, as_dtype(call, x, DType::kBool));
    FERRYMAN_TRY(const ValueId ones, as_dtype(call, truth, dtype_of(call, x)));
    return reduction.emit(call, ops::kSum, ones);
  }
  FERRYMAN_TRY(const ValueId power, call.emit(ops::kPow, {magnitude, scalar_like(call, x, p)}));
  FERRYMAN_TRY(const ValueId sum, reduction.emit(call, ops::kSum, power));
  return call.emit(ops::kPow, {sum, scalar_like(call, x, 1 / p)});
}

namespace {

Imported import_norm_named(ImportContext& call, std::string_view order_name) {
  FERRYMAN_TRY(const Reduction reduction, read_float_reduction(call));
  FERRYMAN_TRY(const double p, call.number(order_name, 2));
  return one_result(emit_norm(call, reduction, p));
}

Imported import_vector_norm(ImportContext& call) {
  return import_norm_named(call, "ord");
}
Imported import_norm(ImportContext& call) {
  return import_norm_named(call, "p");
}
Imported import_frobenius_norm(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_float_reduction(call));
  return one_result(emit_norm(call, reduction, 2));
}

// sum(a * b) / (max(|a|, eps) * max(|b|, eps))
Imported import_cosine_similarity(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"x1", "x2"}));
  FERRYMAN_TRY(const double eps, call.number("eps", 1e-8));
  FERRYMAN_TRY(const ValueId product, call.emit(ops::kMul, {x[0], x[1]}));
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", rank_of(call, product), 1));
  const Ints axes = rank_of(call, product) == 0 ? Ints{} : Ints{axis};
  const Reduction over_axis{product, axes, false};
  FERRYMAN_TRY(const ValueId dot, over_axis.emit(call, ops::kSum, product));
  const Ints shape = sizes_of(call, product);
  std::vector<ValueId> lengths;
  for (const ValueId vector : x) {
    FERRYMAN_TRY(const ValueId expanded, emit_expand(call, vector, shape));
    FERRYMAN_TRY(const ValueId length, emit_norm(call, {expanded, axes, false}, 2));
    FERRYMAN_TRY(const ValueId bounded, call.emit(ops::kClamp, {length}, {{attr::kMin, eps}}));
    lengths.push_back(bounded);
  }
  FERRYMAN_TRY(const ValueId both, call.emit(ops::kMul, {lengths[0], lengths[1]}));
  return one_result(call.emit(ops::kDiv, {dot, both}));
}

Imported import_pairwise_distance(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"x1", "x2"}, Promotion::kCommonFloat));
  FERRYMAN_TRY(const double p, call.number("p", 2));
  FERRYMAN_TRY(const double eps, call.number("eps", 1e-6));
  FERRYMAN_TRY(const bool keepdim, call.flag("keepdim", false));
  FERRYMAN_TRY(const ValueId difference, call.emit(ops::kSub, {x[0], x[1]}));
  FERRYMAN_TRY(const ValueId shifted,
               call.emit(ops::kAdd, {difference, scalar_like(call, difference, eps)}));
  const auto last = static_cast<int64_t>(rank_of(call, shifted)) - 1;
  return one_result(emit_norm(call, {shifted, {last}, keepdim}, p));
}

// v * g / |v|, the norm taken for each index of one axis, or over everything (dim = -1).
Imported import_weight_norm(ImportContext& call) {
  FERRYMAN_TRY(const ValueId v, call.tensor("v"));
  FERRYMAN_TRY(const ValueId g, call.tensor("g"));
  FERRYMAN_TRY(const int64_t kept, call.integer("dim", 0));
  Ints axes;
  for (int64_t axis = 0; axis < static_cast<int64_t>(rank_of(call, v)); ++axis) {
    if (axis != kept) axes.push_back(axis);
  }
  FERRYMAN_TRY(const ValueId length, emit_norm(call, {v, axes, kept != -1}, 2));
  FERRYMAN_TRY(const ValueId factor, call.emit(ops::kDiv, {g, length}));
  return one_result(call.emit(ops::kMul, {v, factor}));
}

}  // namespace

void add_vector_norm_imports(ImportTable& imports) {
  imports.add("linalg_vector_norm.default", import_vector_norm);
  imports.add(
      {"norm.Scalar", "norm.ScalarOpt_dim", "norm.ScalarOpt_dtype", "norm.ScalarOpt_dim_dtype"},
      import_norm);
  imports.add("frobenius_norm.dim", import_frobenius_norm);
  imports.add("_weight_norm.default", import_weight_norm);
  imports.add("cosine_similarity.default", import_cosine_similarity);
  imports.add("pairwise_distance.default", import_pairwise_distance);
}

}  // namespace ferryman
