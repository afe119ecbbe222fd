#include "ops/spatial/spatial.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman {

Ints spatial_sizes(const TensorType& type) {
  return static_sizes(Dims(type.dims.begin() + 2, type.dims.end()));
}

Window window_of(const Graph& graph, const Op& op) {
  const bool is_pool = op.is(ops::kMaxPool) || op.is(ops::kAvgPool);
  const Ints kernel = is_pool ? op.attr(attr::kKernel) : spatial_sizes(graph.type(op.operands[1]));
  const Ints dilation = op.is(ops::kAvgPool) ? Ints(kernel.size(), 1) : op.attr(attr::kDilation);
  return {kernel, op.attr(attr::kStride), dilation, op.attr(attr::kPaddingBefore),
          op.attr(attr::kPaddingAfter)};
}

bool has_padding(const Window& window) {
  const auto is_zero = [](int64_t number) { return number == 0; };
  return !std::all_of(window.padding_before.begin(), window.padding_before.end(), is_zero) ||
         !std::all_of(window.padding_after.begin(), window.padding_after.end(), is_zero);
}

bool is_dilated(const Window& window) {
  return std::any_of(window.dilation.begin(), window.dilation.end(),
                     [](int64_t number) { return number != 1; });
}

Window without_padding(Window window) {
  window.padding_before.assign(window.rank(), 0);
  window.padding_after.assign(window.rank(), 0);
  return window;
}

ConvKind conv_kind(const Graph& graph, const Op& conv) {
  const int64_t groups = conv.attr(attr::kGroups);
  if (groups == 1) return ConvKind::kDense;
  const bool is_depthwise = graph.type(conv.operands[0]).dims[1] == Dim(groups);
  return is_depthwise ? ConvKind::kDepthwise : ConvKind::kGrouped;
}

int64_t depth_multiplier(const Graph& graph, const Op& conv) {
  return graph.type(conv.result()).dims[1].size() / conv.attr(attr::kGroups);
}

}  // namespace ferryman
