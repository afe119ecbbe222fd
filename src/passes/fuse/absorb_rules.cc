#include "passes/fuse/absorb_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/fuse/stored_twice.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

// Where `axis` of a reshape's result lies in its operand, if it is an axis of its own there.
std::optional<size_t> axis_before_reshape(const Dims& from, const Dims& to, size_t axis) {
  if (!all_static(from) || !all_static(to)) return std::nullopt;
  const auto elems_before = [](const Dims& dims, size_t end) {
    int64_t count = 1;
    for (size_t i = 0; i < end; ++i) count *= dims[i].size();
    return count;
  };
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] == to[axis] && elems_before(from, i) == elems_before(to, axis)) return i;
  }
  return std::nullopt;
}

std::optional<size_t> axis_before(const Graph& graph, const Op& op, size_t axis) {
  if (op.is(ops::kPermute)) return static_cast<size_t>(op.attr(attr::kPerm).values[axis]);
  return axis_before_reshape(graph.type(op.operands[0]).dims, graph.type(op.result()).dims, axis);
}

bool is_relabelling(const Op& op) {
  return op.is(ops::kPermute) || op.is(ops::kReshape);
}

// How far a layer is looked for; heads of attention lie behind half a dozen.
constexpr size_t kMaxBetween = 16;

// The layer above an affine op, and what lies in between, last first.
struct Above {
  OpId layer;
  std::vector<OpId> between;
  bool shared = false;  // a value in between has another reader
};

std::optional<Above> layer_above(const Graph& graph, OpId root) {
  Above above;
  for (ValueId value = graph.op(root).operands[0];;) {
    const OpId producer = graph.producer(value);
    if (!producer.valid()) return std::nullopt;
    const Op& op = graph.op(producer);
    if (!has_one_reader(graph, value)) above.shared = true;
    if (is_weighted(graph, op)) {
      above.layer = producer;
      return above;
    }
    if (!is_relabelling(op) || above.between.size() == kMaxBetween) return std::nullopt;
    above.between.push_back(producer);
    value = op.operands[0];
  }
}

// The affine op at `root` as seen at the layer's result: for each channel a scale and a shift.
std::optional<Affine> affine_at_layer(const Graph& graph, OpId root, const Above& above) {
  const Op& op = graph.op(root);
  const Op& layer = graph.op(above.layer);
  const size_t channel_axis = result_channel_axis(graph, layer);
  for (size_t axis = 0; axis < graph.type(op.result()).rank(); ++axis) {
    std::optional<Affine> affine = affine_of(graph, op, axis);
    if (!affine.has_value()) continue;
    std::optional<size_t> origin = axis;
    for (const OpId id : above.between) {
      if (origin.has_value()) origin = axis_before(graph, graph.op(id), *origin);
    }
    if (origin == channel_axis) return affine;
    if (!affine->is_uniform() || affine->scale.empty()) continue;
    const Dim channels = graph.type(layer.result()).dims[channel_axis];
    const auto count = static_cast<size_t>(channels.size());
    return Affine{affine->x, std::vector<double>(count, affine->scale[0]),
                  std::vector<double>(count, affine->shift[0])};
  }
  return std::nullopt;
}

// The affine op that would be folded into the layer from behind, as seen there.
std::optional<Affine> affine_behind(const Graph& graph, OpId layer) {
  ValueId value = graph.op(layer).result();
  for (size_t step = 0; step <= kMaxBetween; ++step) {
    const Uses& uses = graph.value(value).uses;
    if (uses.size() != 1 || !has_one_reader(graph, value)) return std::nullopt;
    const OpId reader = uses.front().op;
    if (!is_relabelling(graph.op(reader))) {
      const std::optional<Above> above = layer_above(graph, reader);
      if (!above.has_value() || above->layer != layer) return std::nullopt;
      return affine_at_layer(graph, reader, *above);
    }
    value = graph.op(reader).result();
  }
  return std::nullopt;
}

// The affine op before the layer.
std::optional<Affine> affine_in_front(const Graph& graph, OpId layer) {
  const Op& op = graph.op(layer);
  const OpId producer = graph.producer(op.operands[0]);
  if (!producer.valid() || !is_weighted(graph, op) || !has_one_reader(graph, op.operands[0]))
    return std::nullopt;
  const size_t last = graph.type(op.operands[0]).rank() - 1;
  return affine_of(graph, graph.op(producer), op.is(ops::kLinear) ? last : 1);
}

using FindAffine = std::optional<Affine> (*)(const Graph&, OpId);

// The op at `root` goes, if its scale may be multiplied into the layer's weight.
std::optional<std::string> why_not_scaled(const Graph& graph, OpId root, OpId layer,
                                          const Affine& affine, FindAffine find) {
  if (!affine.has_scale()) return std::nullopt;
  const int64_t moved = moved_bytes(graph, graph.op(root).result());
  return why_not_twice(graph, layer, moved, [&](OpId other) {
    if (!is_weighted(graph, graph.op(other))) return false;
    const std::optional<Affine> its = find(graph, other);
    return its.has_value() && its->scale == affine.scale;
  });
}

}  // namespace

Match<AbsorbIntoLayer> match_affine_after_layer(const Graph& graph, OpId root) {
  const std::optional<Above> above = layer_above(graph, root);
  if (!above.has_value()) return std::nullopt;
  const std::optional<Affine> affine = affine_at_layer(graph, root, *above);
  if (!affine.has_value()) return std::nullopt;
  const Op& layer = graph.op(above->layer);
  if (above->shared)
    return Refused{fmt::format("the result of {} has another reader", layer.def->name)};
  if (auto why = why_not_scaled(graph, root, above->layer, *affine, affine_behind))
    return Refused{*std::move(why)};
  std::optional<Absorbed> absorbed = scale_results(graph, layer, *affine);
  if (!absorbed.has_value()) return std::nullopt;
  AbsorbIntoLayer found{graph.op(root).result(), *std::move(absorbed), {}, layer.location};
  for (const OpId id : above->between) {
    found.between.insert(found.between.begin(),
                         {OpName{graph.op(id).def->name}, attrs_of(graph.op(id))});
  }
  return found;
}

void absorb_into_layer(Rewriter& rewriter, const AbsorbIntoLayer& found) {
  const LocationId around = rewriter.current_location();
  rewriter.set_location(found.location);
  ValueId value = create_absorbed(rewriter, found.layer);
  rewriter.set_location(around);
  for (const RelabellingOp& relabelling : found.between) {
    const ValueId operands[] = {value};
    value = rewriter.create(relabelling.op, operands, relabelling.attrs);
  }
  rewriter.replace_value(found.result, value);
}

namespace {

bool pads(const Op& layer) {
  if (layer.is(ops::kLinear)) return false;
  const auto any = [](const Ints& widths) {
    return std::any_of(widths.begin(), widths.end(), [](int64_t width) { return width != 0; });
  };
  return any(layer.attr(attr::kPaddingBefore)) || any(layer.attr(attr::kPaddingAfter));
}

}  // namespace

Match<AbsorbIntoLayer> match_affine_before_layer(const Graph& graph, OpId root) {
  const Op& layer = graph.op(root);
  const OpId producer = graph.producer(layer.operands[0]);
  if (!producer.valid() || !is_weighted(graph, layer)) return std::nullopt;
  const size_t rank = graph.type(layer.operands[0]).rank();
  const std::optional<Affine> affine =
      affine_of(graph, graph.op(producer), layer.is(ops::kLinear) ? rank - 1 : 1);
  if (!affine.has_value()) return std::nullopt;
  const std::string_view name = graph.op(producer).def->name;
  if (!has_one_reader(graph, layer.operands[0]))
    return Refused{fmt::format("the result of {} has another reader", name)};
  if (affine->has_shift() && pads(layer))
    return Refused{
        fmt::format("{} shifts what the {} then pads with zeros", name, layer.def->name)};
  if (auto why = why_not_scaled(graph, producer, root, *affine, affine_in_front))
    return Refused{*std::move(why)};
  std::optional<Absorbed> absorbed = scale_operand(graph, layer, *affine);
  if (!absorbed.has_value()) return std::nullopt;
  return AbsorbIntoLayer{layer.result(), *std::move(absorbed), {}, layer.location};
}

}  // namespace ferryman
