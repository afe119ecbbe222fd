#include "passes/fuse/channel_roles.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/spatial/spatial.h"
#include "passes/match.h"

namespace ferryman {

namespace {

ChannelBehaviour fixed() {
  return {};
}

bool has_known_parameters(const Graph& graph, const Op& op) {
  for (size_t i = 1; i < op.operands.size(); ++i) {
    if (op.has_operand(i) && !is_known_constant(graph, op.operands[i])) return false;
  }
  return true;
}

Dim channels(const Graph& graph, ValueId value) {
  const Dims& dims = graph.type(value).dims;
  return dims.size() < 2 ? Dim(0) : dims[1];
}

ChannelBehaviour of_conv(const Graph& graph, const Op& op) {
  const ConvKind kind = conv_kind(graph, op);
  if (kind == ConvKind::kDense) return {ChannelRole::kAbsorbs, {0}, {{1, 1}}};
  if (kind == ConvKind::kGrouped) return fixed();
  const int64_t multiplier = depth_multiplier(graph, op);
  ChannelBehaviour depthwise{ChannelRole::kPasses, {0}, {{1, 0, multiplier}}, multiplier};
  if (op.has_operand(2)) depthwise.constants.push_back({2, 0, multiplier});
  return depthwise;
}

ChannelBehaviour of_linear(const Graph& graph, const Op& op) {
  if (graph.type(op.operands[0]).rank() != 2) return fixed();
  return {ChannelRole::kAbsorbs, {0}, {{1, 1}}};
}

ChannelBehaviour of_batch_norm(const Op& op) {
  ChannelBehaviour behaviour{ChannelRole::kPasses, {0}, {}};
  for (size_t i = 1; i < op.operands.size(); ++i) {
    if (op.has_operand(i)) behaviour.constants.push_back({i, 0});
  }
  return behaviour;
}

// Operands broadcast from the right, so axis 1 of the result is axis rank - 1 places from the end.
ChannelBehaviour of_elementwise(const Graph& graph, const Op& op) {
  const Dims& result = graph.type(op.result()).dims;
  ChannelBehaviour behaviour{ChannelRole::kPasses, {}, {}};
  for (size_t i = 0; i < op.operands.size(); ++i) {
    if (!op.has_operand(i)) return fixed();
    const Dims& dims = graph.type(op.operands[i]).dims;
    if (dims.size() + 1 < result.size()) continue;  // reaches no channels
    const size_t axis = dims.size() + 1 - result.size();
    if (dims.size() <= axis || dims[axis] == Dim(1)) continue;
    if (is_known_constant(graph, op.operands[i])) {
      behaviour.constants.push_back({i, axis});
    } else if (axis == 1 && dims[1] == result[1]) {
      behaviour.tensors.push_back(i);
    } else {
      return fixed();
    }
  }
  return behaviour;
}

constexpr std::array kSpatial = {ops::kMaxPool,         ops::kAvgPool,       ops::kAdaptiveAvgPool,
                                 ops::kAdaptiveMaxPool, ops::kResizeNearest, ops::kResizeBilinear};

bool leaves_channels(const PerAxis& list) {
  return list.values[1] == 0;
}

bool keeps_channel_axis(const Graph& graph, const Op& op) {
  if (std::any_of(kSpatial.begin(), kSpatial.end(), [&](OpName name) { return op.is(name); }))
    return true;
  if (op.is(ops::kPad) || op.is(ops::kReflectPad))
    return leaves_channels(op.attr(attr::kBefore)) && leaves_channels(op.attr(attr::kAfter));
  const bool by_axes = op.is(ops::kMean) || op.is(ops::kSum) || op.is(ops::kAmax) ||
                       op.is(ops::kAmin) || op.is(ops::kFlip);
  if (by_axes) {
    const Ints& axes = op.attr(attr::kAxes).values;
    return std::all_of(axes.begin(), axes.end(), [](int64_t axis) { return axis >= 2; });
  }
  if (op.is(ops::kSlice)) return channels(graph, op.operands[0]) == channels(graph, op.result());
  if (!op.is(ops::kReshape)) return false;
  const Dims& from = graph.type(op.operands[0]).dims;
  const Dims& to = graph.type(op.result()).dims;
  return from.size() >= 2 && to.size() >= 2 && from[0] == to[0] && from[1] == to[1];
}

}  // namespace

ChannelBehaviour channel_behaviour(const Graph& graph, const Op& op) {
  if (op.is(ops::kConv)) return has_known_parameters(graph, op) ? of_conv(graph, op) : fixed();
  if (op.is(ops::kLinear)) return has_known_parameters(graph, op) ? of_linear(graph, op) : fixed();
  if (op.is(ops::kBatchNorm)) return has_known_parameters(graph, op) ? of_batch_norm(op) : fixed();
  if (op.is(ops::kConvTranspose) && op.attr(attr::kGroups) == 1 && has_known_parameters(graph, op))
    return {ChannelRole::kAbsorbs, {0}, {{1, 0}}};
  if (op.def->axes == AxisRule::kElementwise) return of_elementwise(graph, op);
  if (keeps_channel_axis(graph, op)) return {ChannelRole::kPasses, {0}, {}};
  return fixed();
}

bool orders_results(const Graph& graph, const Op& op) {
  const bool makes_channels = (op.is(ops::kConv) && op.attr(attr::kGroups) == 1) ||
                              (op.is(ops::kLinear) && graph.type(op.result()).rank() == 2);
  return makes_channels && has_known_parameters(graph, op);
}

}  // namespace ferryman
