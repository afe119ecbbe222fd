#include "passes/fuse/fuse_pad.h"

#include <algorithm>
#include <cmath>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

// A pad of spatial axes only, adding only.
struct SpatialPad {
  ValueId x;
  Ints before, after;
  double value = 0;
};

std::optional<SpatialPad> spatial_pad(const Graph& graph, ValueId value) {
  const OpId id = graph.producer_if(value, ops::kPad);
  if (!id.valid()) return std::nullopt;
  const Op& pad = graph.op(id);
  const Ints& before = pad.attr(attr::kBefore).values;
  const Ints& after = pad.attr(attr::kAfter).values;
  if (before.size() < 3) return std::nullopt;
  SpatialPad found{pad.operands[0], {}, {}, pad.attr(attr::kValue)};
  for (size_t axis = 0; axis < before.size(); ++axis) {
    if (before[axis] < 0 || after[axis] < 0) return std::nullopt;
    if (axis < 2 && before[axis] + after[axis] != 0) return std::nullopt;
    if (axis < 2) continue;
    found.before.push_back(before[axis]);
    found.after.push_back(after[axis]);
  }
  return found;
}

Ints sum(const Ints& a, const Ints& b) {
  Ints result = a;
  for (size_t i = 0; i < result.size(); ++i) result[i] += b[i];
  return result;
}

bool any(const Ints& widths) {
  return std::any_of(widths.begin(), widths.end(), [](int64_t width) { return width != 0; });
}

bool pads_itself(const Op& op) {
  return any(op.attr(attr::kPaddingBefore)) || any(op.attr(attr::kPaddingAfter));
}

// The reader on the unpadded value, with the widths added to its own.
OneOp with_padding(const Op& op, const SpatialPad& pad, std::vector<NamedAttr> more) {
  std::vector<ValueId> operands = op.operands;
  operands[0] = pad.x;
  std::vector<NamedAttr> attrs = attrs_of(op);
  attrs.emplace_back(attr::kPaddingBefore, sum(op.attr(attr::kPaddingBefore), pad.before));
  attrs.emplace_back(attr::kPaddingAfter, sum(op.attr(attr::kPaddingAfter), pad.after));
  attrs.insert(attrs.end(), more.begin(), more.end());
  return OneOp{op.result(), OpName{op.def->name}, std::move(operands), std::move(attrs)};
}

// pad(x, 0) -> conv                   =>   conv with padding
Match<OneOp> match_pad_before_conv(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<SpatialPad> pad = spatial_pad(graph, op.operands[0]);
  if (!pad.has_value()) return std::nullopt;
  if (pad->value != 0) return Refused{"conv pads with zeros, not with other values"};
  return with_padding(op, *pad, {});
}

// No window lies wholly in what is added, where padding and padded elements would differ.
bool windows_reach_inside(const Op& pool, const SpatialPad& pad) {
  const Ints before = sum(pool.attr(attr::kPaddingBefore), pad.before);
  const Ints after = sum(pool.attr(attr::kPaddingAfter), pad.after);
  const Ints& kernel = pool.attr(attr::kKernel);
  for (size_t i = 0; i < kernel.size(); ++i) {
    // torch's own limit, which the runtimes share: at most half a window is padding
    if (2 * before[i] > kernel[i] || 2 * after[i] > kernel[i]) return false;
  }
  return true;
}

// pad(x, 0) -> avg_pool               =>   avg_pool with padding that counts
Match<OneOp> match_pad_before_avg_pool(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<SpatialPad> pad = spatial_pad(graph, op.operands[0]);
  if (!pad.has_value()) return std::nullopt;
  if (pad->value != 0) return Refused{"avg_pool pads with zeros, not with other values"};
  if (op.attr(attr::kCeilMode)) return Refused{"with ceil_mode the last window would move"};
  if (pads_itself(op) && !op.attr(attr::kCountIncludePad))
    return Refused{"avg_pool pads as well and does not count it"};
  if (!windows_reach_inside(op, *pad)) return Refused{"more than half a window is padding"};
  return with_padding(op, *pad, {{attr::kCountIncludePad, true}});
}

// pad(x, -inf) -> max_pool, pad(relu(x), 0) -> max_pool      =>   max_pool with padding
Match<OneOp> match_pad_before_max_pool(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<SpatialPad> pad = spatial_pad(graph, op.operands[0]);
  if (!pad.has_value()) return std::nullopt;
  const bool never_wins = pad->value == -std::numeric_limits<double>::infinity() ||
                          (pad->value <= 0 && is_non_negative(graph, pad->x));
  if (!never_wins) return Refused{"a padded element could be the largest"};
  const Ints& dilation = op.attr(attr::kDilation);
  if (std::any_of(dilation.begin(), dilation.end(), [](int64_t step) { return step != 1; }))
    return Refused{"a dilated window"};
  if (!windows_reach_inside(op, *pad)) return Refused{"more than half a window is padding"};
  return with_padding(op, *pad, {});
}

}  // namespace

Pass fuse_pad() {
  return rewrite_pass(
      "fuse_pad", "explicit padding into the convolution or pool that reads it",
      {make_rule("pad_before_conv", {ops::kConv}, match_pad_before_conv, "pad folded into conv"),
       make_rule("pad_before_avg_pool", {ops::kAvgPool}, match_pad_before_avg_pool,
                 "pad folded into avg_pool"),
       make_rule("pad_before_max_pool", {ops::kMaxPool}, match_pad_before_max_pool,
                 "pad folded into max_pool")});
}

}  // namespace ferryman
