#include "layout/materialise.h"

#include <algorithm>

#include "layout/transposition.h"
#include "support/check.h"

namespace ferryman::layout {

namespace {

int64_t index_of(const Ints& numbers, int64_t number) {
  return std::find(numbers.begin(), numbers.end(), number) - numbers.begin();
}

}  // namespace

void Materialiser::enter(ValueId value, const Layout& layout, Materialiser::Tensor tensor) {
  const MemoryOrder order = plan_.memory_order(value, layout);
  produced_.emplace(order.root, Held{value, layout, tensor});
  held_[order].push_back({value, layout, tensor});
}

Materialiser::Tensor Materialiser::in_layout(ValueId value, const Layout& layout) {
  return in_shape(value, layout, layout.shape());
}

Materialiser::Tensor Materialiser::in_shape(ValueId value, const Layout& layout,
                                            const Shape& wanted) {
  const ValueId root = plan_.views[value].root;
  if (graph_.is_stored(root)) return constant_in(value, layout, wanted);
  const MemoryOrder order = plan_.memory_order(value, layout);
  std::vector<Held>& held = held_[order];
  if (held.empty()) {
    const auto producer = produced_.find(root);
    check(producer != produced_.end(), "a value read before it is produced");
    const Materialiser::Tensor copy = copied(value, layout, producer->second, wanted);
    held.push_back({value, layout, copy});
  }
  for (const Held& candidate : held) {
    if (shape_of(candidate.tensor) == wanted) return candidate.tensor;
  }
  const Tensor result = reshaped(held.front().tensor, wanted);
  Layout reshaped_layout = layout;
  held.push_back({value, std::move(reshaped_layout), result});
  return result;
}

Materialiser::Tensor Materialiser::constant_in(ValueId value, const Layout& layout,
                                               const Shape& shape) {
  auto& known = constants_[{value, shape}];
  for (const auto& [known_layout, tensor] : known) {
    if (known_layout == layout) return tensor;
  }
  const TensorData ordered = constant_in_layout(graph_, plan_, value, layout);
  known.emplace_back(layout, constant(value, ordered, shape));
  return known.back().second;
}

Materialiser::Tensor Materialiser::reshaped(Materialiser::Tensor from, const Shape& shape) {
  return shape_of(from) == shape ? from : reshape(from, shape);
}

// One TRANSPOSE of all axes, those of size 1 included, where both orders keep every dim whole: a
// RESHAPE beside it would be a copy of its own.
std::optional<Ints> Materialiser::axis_perm(const Held& from, ValueId value,
                                            const Layout& to) const {
  const std::optional<Ints> from_dims = from.layout.dim_order();
  const std::optional<Ints> to_dims = to.dim_order();
  const bool in_pieces = from.value != value || !from_dims.has_value() || !to_dims.has_value() ||
                         shape_of(from.tensor) != from.layout.shape();
  if (in_pieces) return std::nullopt;
  for (size_t axis = 0; axis < to.axes.size(); ++axis) {
    const auto at = static_cast<size_t>(index_of(*from_dims, (*to_dims)[axis]));
    if (!(from.layout.axes[at].parts == to.axes[axis].parts)) return std::nullopt;
  }
  Ints perm;
  for (const int64_t dim : *to_dims) perm.push_back(index_of(*from_dims, dim));
  return perm;
}

Materialiser::Tensor Materialiser::copied(ValueId value, const Layout& layout, const Held& from,
                                          const Shape& wanted) {
  const int64_t bytes = 2 * estimated_bytes(graph_, value);
  bytes_copied_ += bytes;
  const std::optional<Ints> whole = axis_perm(from, value, layout);
  if (whole.has_value()) return transpose(from.tensor, *whole);

  const Rearrangement rearrangement = rearrange(plan_, from.value, from.layout, value, layout);
  const bool moves_blocks = rearrangement.blocks.has_value() &&
                            can_move_blocks(*rearrangement.blocks, graph_.type(value).dtype);
  if (moves_blocks)
    return move_blocks(reshaped(from.tensor, rearrangement.blocks->input_shape),
                       *rearrangement.blocks);
  const std::vector<CopyStep> steps = copy_steps(rearrangement.input_shape, rearrangement.perm);
  if (steps.size() > 1) {
    bytes_copied_ += bytes * static_cast<int64_t>(steps.size() - 1);
    return in_steps(from.tensor, steps);
  }
  const Transposition moved = transposition(rearrangement.input_shape, rearrangement.perm,
                                            shape_of(from.tensor), wanted, max_fast_rank());
  return transpose(reshaped(from.tensor, moved.input_shape), moved.perm);
}

Materialiser::Tensor Materialiser::in_steps(Materialiser::Tensor from,
                                            const std::vector<CopyStep>& steps) {
  for (const CopyStep& step : steps) {
    from = transpose(reshaped(from, step.input_shape), step.perm);
  }
  return from;
}

std::optional<Materialiser::Shape> Materialiser::held_shape(ValueId value,
                                                            const Layout& layout) const {
  const auto held = held_.find(plan_.memory_order(value, layout));
  if (held == held_.end() || held->second.empty()) return std::nullopt;
  return shape_of(held->second.front().tensor);
}

Placement Materialiser::placement_in(ValueId value, const Layout& layout) {
  const std::optional<Ints> dims = layout.dim_order();
  check(dims.has_value(), "an output in pieces");
  Placement placement{.tensor = in_layout(value, layout), .factors = {}, .perm = *dims};
  for (const Dim dim : graph_.type(value).dims)
    placement.factors.push_back(graph_.symbols().tell(dim));
  return placement;
}

Placement Materialiser::placement(ValueId value) const {
  const LayoutPlan::View& view = plan_.views[value];
  const auto producer = produced_.find(view.root);
  if (producer == produced_.end()) return {};
  const Held& held = producer->second;
  // Extents of the root's factors in memory order, then who they are among the value's factors.
  const MemoryOrder order = plan_.memory_order(held.value, held.layout);
  Placement placement;
  placement.tensor = held.tensor;
  placement.factors.assign(view.factors.size(), int64_t{1});
  size_t position = 0;
  for (const PhysicalAxis& axis : held.layout.axes) {
    for (const AxisPart& part : axis.parts) {
      if (part.factor < 0) continue;
      const uint8_t root_factor = order.factors[position++];
      for (size_t factor = 0; factor < view.factors.size(); ++factor) {
        if (view.factors[factor] != root_factor) continue;
        placement.factors[factor] = graph_.symbols().tell(part.extent);
        placement.perm.push_back(static_cast<int64_t>(factor));
      }
    }
  }
  return placement;
}

}  // namespace ferryman::layout
