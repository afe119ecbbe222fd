// Reductions: chains become one, kept unit axes are the reduction's own business, and pools over
// everything are reductions.
#include <algorithm>
#include <set>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

bool is_reduction(const Op& op) {
  return op.is(ops::kMean) || op.is(ops::kSum) || op.is(ops::kProd) || op.is(ops::kAmax) ||
         op.is(ops::kAmin);
}

std::vector<OpName> reductions() {
  return {ops::kMean, ops::kSum, ops::kProd, ops::kAmax, ops::kAmin};
}

OneOp reduction_like(const Op& op, ValueId result, ValueId x, Axes axes, bool keepdim) {
  return {result,
          OpName{op.def->name},
          {x},
          {{attr::kAxes, std::move(axes)}, {attr::kKeepDim, keepdim}}};
}

// The axes of the operand that remain when `reduced` are dropped.
std::vector<int64_t> remaining_axes(size_t rank, const Ints& reduced) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < static_cast<int64_t>(rank); ++axis) {
    if (std::find(reduced.begin(), reduced.end(), axis) == reduced.end()) axes.push_back(axis);
  }
  return axes;
}

// mean(mean(x, [3]), [2]) -> mean(x, [2, 3])          over whole axes, so means weigh alike
Match<OneOp> match_reduce_of_reduce(const Graph& graph, OpId root) {
  const Op& outer = graph.op(root);
  const OpId inner_id = graph.producer_if(outer.operands[0], OpName{outer.def->name});
  if (!inner_id.valid() || !has_one_reader(graph, outer.operands[0])) return std::nullopt;
  const Op& inner = graph.op(inner_id);
  const bool keepdim = outer.attr(attr::kKeepDim);
  if (inner.attr(attr::kKeepDim) != keepdim) return std::nullopt;
  const ValueId x = inner.operands[0];
  const Ints& first = inner.attr(attr::kAxes).values;
  const std::vector<int64_t> remaining = remaining_axes(graph.type(x).rank(), first);
  std::set<int64_t> axes(first.begin(), first.end());
  for (const int64_t axis : outer.attr(attr::kAxes).values)
    axes.insert(keepdim ? axis : remaining[static_cast<size_t>(axis)]);
  return reduction_like(outer, outer.result(), x, Axes{Ints(axes.begin(), axes.end())}, keepdim);
}

// mean(x[n, c, 1, 1], [2, 3]) -> reshape(x)
Match<OneOp> match_reduce_of_unit_axes(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Dims& dims = graph.type(op.operands[0]).dims;
  for (const int64_t axis : op.attr(attr::kAxes).values) {
    if (!(dims[static_cast<size_t>(axis)] == Dim(1))) return std::nullopt;
  }
  if (graph.type(op.operands[0]).dtype != graph.type(op.result()).dtype) return std::nullopt;
  const ShapeAttr shape{graph.type(op.result()).dims};
  return OneOp{op.result(), ops::kReshape, {op.operands[0]}, {{attr::kShape, shape}}};
}

Dims dims_after(const Dims& dims, const Ints& axes, bool keepdim) {
  Dims result;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const bool reduced =
        std::find(axes.begin(), axes.end(), static_cast<int64_t>(axis)) != axes.end();
    if (!reduced) result.push_back(dims[axis]);
    if (reduced && keepdim) result.push_back(Dim(1));
  }
  return result;
}

// reshape(mean(x, keepdim=true), without the unit axes) -> mean(x, keepdim=false)     and back
Match<OneOp> match_reshape_of_reduce(const Graph& graph, OpId root) {
  const Op& reshape = graph.op(root);
  const OpId reduce_id = graph.producer(reshape.operands[0]);
  if (!reduce_id.valid() || !is_reduction(graph.op(reduce_id))) return std::nullopt;
  if (!has_one_reader(graph, reshape.operands[0])) return std::nullopt;
  const Op& reduce = graph.op(reduce_id);
  const bool keepdim = !reduce.attr(attr::kKeepDim);
  const ValueId x = reduce.operands[0];
  const Axes& axes = reduce.attr(attr::kAxes);
  if (dims_after(graph.type(x).dims, axes.values, keepdim) != graph.type(reshape.result()).dims)
    return std::nullopt;
  return reduction_like(reduce, reshape.result(), x, axes, keepdim);
}

OneOp spatial_reduction(const Graph& graph, const Op& pool, OpName reduction) {
  Axes axes;
  for (size_t axis = 2; axis < graph.type(pool.operands[0]).rank(); ++axis)
    axes.values.push_back(static_cast<int64_t>(axis));
  return {pool.result(),
          reduction,
          {pool.operands[0]},
          {{attr::kAxes, std::move(axes)}, {attr::kKeepDim, true}}};
}

// adaptive_avg_pool(x, [1, 1]) -> mean(x, [2, 3])     adaptive_max_pool -> amax
Match<OneOp> match_pool_to_one(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Ints& sizes = op.attr(attr::kOutputSize);
  if (!std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size == 1; }))
    return std::nullopt;
  return spatial_reduction(graph, op, op.is(ops::kAdaptiveAvgPool) ? ops::kMean : ops::kAmax);
}

// adaptive_avg_pool(x[n, c, 7, 7], [7, 7]) -> x
Match<Forward> match_pool_to_same(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!same_type(graph, op.operands[0], op.result())) return std::nullopt;
  return Forward{op.result(), op.operands[0]};
}

bool has_plain_windows(const Op& pool) {
  const auto zero = [](const Ints& list) {
    return std::all_of(list.begin(), list.end(), [](int64_t width) { return width == 0; });
  };
  if (!zero(pool.attr(attr::kPaddingBefore)) || !zero(pool.attr(attr::kPaddingAfter))) return false;
  if (pool.is(ops::kAvgPool)) return pool.attr(attr::kDivisorOverride) == 0;
  const Ints& dilation = pool.attr(attr::kDilation);
  return std::all_of(dilation.begin(), dilation.end(), [](int64_t step) { return step == 1; });
}

// avg_pool(x[n, c, 7, 7], kernel 7x7) -> mean(x, [2, 3])
Match<OneOp> match_pool_over_all(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!has_plain_windows(op)) return std::nullopt;
  const Dims& from = graph.type(op.operands[0]).dims;
  const Dims& to = graph.type(op.result()).dims;
  const Ints& kernel = op.attr(attr::kKernel);
  for (size_t i = 0; i < kernel.size(); ++i) {
    if (!(from[i + 2] == Dim(kernel[i])) || !(to[i + 2] == Dim(1))) return std::nullopt;
  }
  return spatial_reduction(graph, op, op.is(ops::kAvgPool) ? ops::kMean : ops::kAmax);
}

// avg_pool(x, kernel 1x1, stride 1) -> x
Match<Forward> match_pool_of_one(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Ints& kernel = op.attr(attr::kKernel);
  const bool keeps = same_type(graph, op.operands[0], op.result()) && has_plain_windows(op) &&
                     std::all_of(kernel.begin(), kernel.end(), [](int64_t k) { return k == 1; });
  if (!keeps) return std::nullopt;
  return Forward{op.result(), op.operands[0]};
}

}  // namespace

std::vector<Rule> canonical_reduce_rules() {
  return {
      make_rule("reduce_of_reduce", reductions(), match_reduce_of_reduce),
      make_rule("reduce_of_unit_axes", reductions(), match_reduce_of_unit_axes),
      make_rule("reshape_of_reduce", {ops::kReshape}, match_reshape_of_reduce),
      make_rule("pool_to_one", {ops::kAdaptiveAvgPool, ops::kAdaptiveMaxPool}, match_pool_to_one),
      make_rule("pool_to_same", {ops::kAdaptiveAvgPool, ops::kAdaptiveMaxPool}, match_pool_to_same),
      make_rule("pool_of_one", {ops::kAvgPool, ops::kMaxPool}, match_pool_of_one),
      make_rule("pool_over_all", {ops::kAvgPool, ops::kMaxPool}, match_pool_over_all),
  };
}

}  // namespace ferryman
