// Norms and distances, composed of reductions.
#include <cmath>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/reduce/reduction.h"

namespace ferryman {

ValueId emit_norm(CoreWriter write, const Reduction& reduction, double p) {
  const ValueId x = reduction.x;
  if (p == 2) {
    const ValueId square = write.square(x);
    const ValueId sum = reduction.emit(write, ops::kSum, square);
    return write.sqrt(sum);
  }
  const ValueId magnitude = write.abs(x);
  if (p == 1) return reduction.emit(write, ops::kSum, magnitude);
  if (std::isinf(p)) return reduction.emit(write, p > 0 ? ops::kAmax : ops::kAmin, magnitude);
  if (p == 0) {
    const ValueId ones = write.cast(write.cast(x, DType::kBool), write.dtype(x));
    return reduction.emit(write, ops::kSum, ones);
  }
  const ValueId power = write.binary(ops::kPow, magnitude, write.scalar(x, p));
  const ValueId sum = reduction.emit(write, ops::kSum, power);
  return write.binary(ops::kPow, sum, write.scalar(x, 1 / p));
}

namespace {

Imported import_norm_named(ImportContext& call, std::string_view order_name) {
  FERRYMAN_TRY(const Reduction reduction, read_float_reduction(call));
  FERRYMAN_TRY(const double p, call.number(order_name, 2));
  return one_result(emit_norm(call.writer(), reduction, p));
}

Imported import_vector_norm(ImportContext& call) {
  return import_norm_named(call, "ord");
}
Imported import_norm(ImportContext& call) {
  return import_norm_named(call, "p");
}
Imported import_frobenius_norm(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_float_reduction(call));
  return one_result(emit_norm(call.writer(), reduction, 2));
}

// sum(a * b) / (max(|a|, eps) * max(|b|, eps))
Imported import_cosine_similarity(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"x1", "x2"}));
  FERRYMAN_TRY(const double eps, call.number("eps", 1e-8));
  const CoreWriter write = call.writer();
  const ValueId product = write.mul(x[0], x[1]);
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(product), 1));
  const Ints axes = write.rank(product) == 0 ? Ints{} : Ints{axis};
  const Reduction over_axis{product, axes, false};
  const ValueId dot = over_axis.emit(write, ops::kSum, product);
  const Dims shape = write.dims(product);
  std::vector<ValueId> lengths;
  for (const ValueId vector : x) {
    const ValueId length = emit_norm(write, {write.expand(vector, shape), axes, false}, 2);
    lengths.push_back(write.op(ops::kClamp, {length}, {{attr::kMin, eps}}));
  }
  return one_result(write.div(dot, write.mul(lengths[0], lengths[1])));
}

Imported import_pairwise_distance(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"x1", "x2"}, Promotion::kCommonFloat));
  FERRYMAN_TRY(const double p, call.number("p", 2));
  FERRYMAN_TRY(const double eps, call.number("eps", 1e-6));
  FERRYMAN_TRY(const bool keepdim, call.flag("keepdim", false));
  const CoreWriter write = call.writer();
  const ValueId shifted = write.add(write.sub(x[0], x[1]), eps);
  const auto last = static_cast<int64_t>(write.rank(shifted)) - 1;
  return one_result(emit_norm(write, {shifted, {last}, keepdim}, p));
}

// v * g / |v|, the norm taken for each index of one axis, or over everything (dim = -1).
Imported import_weight_norm(ImportContext& call) {
  FERRYMAN_TRY(const ValueId v, call.tensor("v"));
  FERRYMAN_TRY(const ValueId g, call.tensor("g"));
  FERRYMAN_TRY(const int64_t kept, call.integer("dim", 0));
  Ints axes;
  const CoreWriter write = call.writer();
  for (int64_t axis = 0; axis < static_cast<int64_t>(write.rank(v)); ++axis) {
    if (axis != kept) axes.push_back(axis);
  }
  const ValueId length = emit_norm(write, {v, axes, kept != -1}, 2);
  return one_result(write.mul(v, write.div(g, length)));
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
