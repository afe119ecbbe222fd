// Resizing as gathers or products along each axis: it says any scale, and any number of axes.
#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/spatial/resample_free.h"
#include "passes/decompose/decompositions.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

std::vector<FreeResize> resize_axes(const Graph& graph, const Op& op) {
  const Dims& in = graph.type(op.operands[0]).dims;
  const Dims& out = op.attr(attr::kResizedTo).dims;
  const Floats& scales = op.attr(attr::kScales);
  std::vector<FreeResize> axes;
  for (size_t i = 0; i < out.size(); ++i) {
    FreeResize axis = {in[i + 2], out[i]};
    if (!scales.empty()) axis.scale = scales[i];
    if (op.is(ops::kResizeBilinear)) axis.align_corners = op.attr(attr::kAlignCorners);
    axes.push_back(axis);
  }
  return axes;
}

std::vector<int32_t> nearest_sources(const ResizeAxis& axis, NearestRule rule) {
  std::vector<int32_t> sources;
  for (int64_t i = 0; i < axis.out_size; ++i)
    sources.push_back(static_cast<int32_t>(nearest_source(axis, rule, i)));
  return sources;
}

NearestRule nearest_rule(const Op& op) {
  return op.attr(attr::kExact) ? NearestRule::kExact : NearestRule::kFloor;
}

bool sizes_say_the_same(const Graph& graph, const Op& op) {
  for (const FreeResize& resize : resize_axes(graph, op)) {
    const ResizeAxis axis = resize.as_numbers();
    const ResizeAxis plain = {axis.in_size, axis.out_size};
    if (nearest_sources(axis, nearest_rule(op)) != nearest_sources(plain, nearest_rule(op)))
      return false;
  }
  return true;
}

// Scales that select the same elements as the sizes are dropped.
Match<OneOp> match_drop_nearest_scales(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (op.attr(attr::kScales).empty() || !sizes_say_the_same(graph, op)) return std::nullopt;
  return OneOp{
      op.result(),
      ops::kResizeNearest,
      op.operands,
      {{attr::kResizedTo, op.attr(attr::kResizedTo)}, {attr::kExact, op.attr(attr::kExact)}}};
}

// resize_nearest(x) -> a gather along each axis
ValueId resize_to_gathers(CoreWriter write, const Op& op) {
  ValueId x = op.operands[0];
  const std::vector<FreeResize> axes = resize_axes(write.graph(), op);
  for (size_t i = 0; i < axes.size(); ++i) {
    const bool keeps_size = axes[i].in_size == axes[i].out_size;
    if (!axes[i].is_static()) {
      if (keeps_size && axes[i].scale <= 0) continue;
      x = write.gather(x, i + 2, nearest_sources(write, axes[i], nearest_rule(op)));
      continue;
    }
    const std::vector<int32_t> sources = nearest_sources(axes[i].as_numbers(), nearest_rule(op));
    bool identity = keeps_size;
    for (size_t j = 0; identity && j < sources.size(); ++j)
      identity = sources[j] == static_cast<int32_t>(j);
    if (!identity) x = write.gather(x, i + 2, sources);
  }
  return x;
}

// resize_bilinear(x) -> a matrix of weights along each axis
ValueId resize_to_matrices(CoreWriter write, const Op& op) {
  ValueId x = op.operands[0];
  const std::vector<FreeResize> axes = resize_axes(write.graph(), op);
  for (size_t i = axes.size(); i-- > 0;) {
    const bool identity = axes[i].in_size == axes[i].out_size && axes[i].scale <= 0;
    if (identity) continue;
    if (!axes[i].is_static()) {
      x = resample_along(write, x, i + 2, axes[i], Resampling::kLinear);
      continue;
    }
    const ResizeAxis axis = axes[i].as_numbers();
    x = write.apply_matrix(x, i + 2,
                           TensorData::of<float>({axis.out_size, axis.in_size},
                                                 resample_matrix(axis, Resampling::kLinear)));
  }
  return x;
}

}  // namespace

std::vector<Rule> resize_decompositions() {
  const auto is_f32 = [](const Graph& graph, const Op& op) {
    return graph.type(op.operands[0]).dtype == DType::kF32;
  };
  return {make_rule("drop_nearest_scales", {ops::kResizeNearest}, match_drop_nearest_scales),
          decomposition("resize_to_gathers", {ops::kResizeNearest}, resize_to_gathers),
          only_where(is_f32, decomposition("resize_to_matrices", {ops::kResizeBilinear},
                                           resize_to_matrices))};
}

}  // namespace ferryman
