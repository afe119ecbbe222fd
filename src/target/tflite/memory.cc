#include "target/tflite/memory.h"

#include <algorithm>
#include <array>

#include "support/check.h"
#include "target/tflite/legality.h"
#include "target/tflite/transposition.h"

namespace ferryman::tflite {

using layout::Layout;
using layout::MemoryOrder;
using layout::PhysicalAxis;
using layout::Rearrangement;

namespace {

int64_t index_of(const Ints& numbers, int64_t number) {
  return std::find(numbers.begin(), numbers.end(), number) - numbers.begin();
}

Op block_kernel(const layout::BlockMove& move) {
  return move.kind == layout::BlockMove::Kind::kDepthToSpace ? Op::kDepthToSpace
                                                             : Op::kSpaceToDepth;
}

// TRANSPOSE takes every type, the kernels of blocks some.
bool can_move_blocks(const layout::BlockMove& move, DType dtype) {
  const std::array rank = {static_cast<int>(move.input_shape.size())};
  return check_legal(block_kernel(move), type_key(dtype), rank).verdict == Verdict::kAccepted;
}

}  // namespace

std::vector<int32_t> to_shape(const Dims& dims) {
  std::vector<int32_t> shape;
  for (const int64_t size : static_sizes(dims)) shape.push_back(static_cast<int32_t>(size));
  return shape;
}

TensorIndex add_int32(Subgraph& subgraph, const std::vector<int32_t>& values,
                      const std::vector<int32_t>& shape) {
  Tensor tensor;
  tensor.type = DType::kI32;
  tensor.shape = shape;
  tensor.constant = constant_of(values);
  return subgraph.add(std::move(tensor));
}

TensorIndex add_int32_vector(Subgraph& subgraph, const std::vector<int32_t>& values) {
  return add_int32(subgraph, values, {static_cast<int32_t>(values.size())});
}

void MemoryTable::enter(ValueId value, const Layout& layout, TensorIndex tensor) {
  const MemoryOrder order = plan_.memory_order(value, layout);
  produced_.emplace(order.root, Held{value, layout, tensor});
  held_[order].push_back({value, layout, tensor});
}

TensorIndex MemoryTable::in_layout(ValueId value, const Layout& layout) {
  return in_shape(value, layout, layout.shape());
}

TensorIndex MemoryTable::in_shape(ValueId value, const Layout& layout, const Dims& shape) {
  const ValueId root = plan_.views[value].root;
  if (graph_.is_constant(root)) {
    return constant(value, graph_.constant(root), layout, shape);
  }
  const MemoryOrder order = plan_.memory_order(value, layout);
  std::vector<Held>& held = held_[order];
  const std::vector<int32_t> wanted = to_shape(shape);
  if (held.empty()) {
    const auto producer = produced_.find(root);
    check(producer != produced_.end(), "a value read before it is produced");
    const TensorIndex copy = copied(value, layout, producer->second, wanted);
    held.push_back({value, layout, copy});
  }
  for (const Held& candidate : held) {
    if (subgraph_.tensor(candidate.tensor).shape == wanted) return candidate.tensor;
  }
  const TensorIndex result = reshaped(held.front().tensor, shape);
  Layout reshaped_layout = layout;
  held.push_back({value, std::move(reshaped_layout), result});
  return result;
}

TensorIndex MemoryTable::constant(ValueId value, const TensorData& data, const Layout& layout,
                                  const Dims& shape) {
  auto& known = constants_[{value, to_shape(shape)}];
  for (const auto& [known_layout, tensor] : known) {
    if (known_layout == layout) return tensor;
  }
  const TensorData ordered = layout::constant_in_layout(graph_, plan_, value, layout);
  Tensor tensor;
  tensor.name = graph_.value(value).name;
  tensor.type = data.dtype();
  tensor.shape = to_shape(shape);
  tensor.constant = tensor_constant(ordered);
  known.emplace_back(layout, subgraph_.add(std::move(tensor)));
  return known.back().second;
}

TensorIndex MemoryTable::like(TensorIndex from, const Dims& shape) {
  Tensor tensor;
  tensor.type = subgraph_.tensor(from).type;
  tensor.shape = to_shape(shape);
  return subgraph_.add(std::move(tensor));
}

TensorIndex MemoryTable::reshaped(TensorIndex from, const Dims& shape) {
  if (subgraph_.tensor(from).shape == to_shape(shape)) return from;
  const TensorIndex to = like(from, shape);
  const std::vector<int32_t> new_shape = to_shape(shape);
  const TensorIndex shape_tensor = add_int32_vector(subgraph_, new_shape);
  subgraph_.operators.push_back({.op = Op::kReshape,
                                 .inputs = {from, shape_tensor},
                                 .outputs = {to},
                                 .options = ReshapeOptions{.new_shape = new_shape},
                                 .location = location_});
  return to;
}

TensorIndex MemoryTable::transposed(TensorIndex from, const Ints& perm) {
  Dims shape;
  std::vector<int32_t> perm32;
  for (const int64_t axis : perm) {
    shape.push_back(Dim(subgraph_.tensor(from).shape[static_cast<size_t>(axis)]));
    perm32.push_back(static_cast<int32_t>(axis));
  }
  const TensorIndex to = like(from, shape);
  const TensorIndex perm_tensor = add_int32_vector(subgraph_, perm32);
  subgraph_.operators.push_back({.op = Op::kTranspose,
                                 .inputs = {from, perm_tensor},
                                 .outputs = {to},
                                 .location = location_});
  return to;
}

TensorIndex MemoryTable::blocks_moved(TensorIndex from, const layout::BlockMove& move) {
  const bool to_space = move.kind == layout::BlockMove::Kind::kDepthToSpace;
  from = reshaped(from, move.input_shape);
  const TensorIndex to = like(from, move.output_shape);
  const auto block = static_cast<int32_t>(move.size);
  subgraph_.operators.push_back({.op = block_kernel(move),
                                 .inputs = {from},
                                 .outputs = {to},
                                 .options = to_space
                                                ? Options(DepthToSpaceOptions{.block_size = block})
                                                : Options(SpaceToDepthOptions{.block_size = block}),
                                 .location = location_});
  return to;
}

// One TRANSPOSE of all axes, those of size 1 included, where both orders keep every dim whole: a
// RESHAPE beside it would be a copy of its own.
std::optional<Ints> MemoryTable::axis_perm(const Held& from, ValueId value,
                                           const Layout& to) const {
  const std::optional<Ints> from_dims = from.layout.dim_order();
  const std::optional<Ints> to_dims = to.dim_order();
  const bool in_pieces = from.value != value || !from_dims.has_value() || !to_dims.has_value() ||
                         subgraph_.tensor(from.tensor).shape != to_shape(from.layout.shape());
  if (in_pieces) return std::nullopt;
  for (size_t axis = 0; axis < to.axes.size(); ++axis) {
    const auto at = static_cast<size_t>(index_of(*from_dims, (*to_dims)[axis]));
    if (!(from.layout.axes[at].parts == to.axes[axis].parts)) return std::nullopt;
  }
  Ints perm;
  for (const int64_t dim : *to_dims) perm.push_back(index_of(*from_dims, dim));
  return perm;
}

TensorIndex MemoryTable::copied(ValueId value, const Layout& layout, const Held& from,
                                const std::vector<int32_t>& wanted) {
  const int64_t bytes =
      2 * num_elements(graph_.type(value).dims) * byte_size(graph_.type(value).dtype);
  bytes_copied_ += bytes;
  const std::optional<Ints> whole = axis_perm(from, value, layout);
  if (whole.has_value()) return transposed(from.tensor, *whole);

  const Rearrangement rearrangement =
      layout::rearrange(plan_, from.value, from.layout, value, layout);
  const bool moves_blocks = rearrangement.blocks.has_value() &&
                            can_move_blocks(*rearrangement.blocks, graph_.type(value).dtype);
  if (moves_blocks) return blocks_moved(from.tensor, *rearrangement.blocks);
  const std::vector<layout::CopyStep> steps =
      layout::copy_steps(rearrangement.input_shape, rearrangement.perm);
  if (steps.size() > 1) {
    bytes_copied_ += bytes * static_cast<int64_t>(steps.size() - 1);
    return in_steps(from.tensor, steps);
  }
  const Transposition moved = transposition(to_shape(rearrangement.input_shape), rearrangement.perm,
                                            subgraph_.tensor(from.tensor).shape, wanted);
  const Dims input_shape(moved.input_shape.begin(), moved.input_shape.end());
  return transposed(reshaped(from.tensor, input_shape), moved.perm);
}

TensorIndex MemoryTable::in_steps(TensorIndex from, const std::vector<layout::CopyStep>& steps) {
  for (const layout::CopyStep& step : steps) {
    from = transposed(reshaped(from, step.input_shape), step.perm);
  }
  return from;
}

TensorIndex MemoryTable::zeros(DType dtype, const std::vector<int32_t>& shape) {
  const auto [known, is_new] = zeros_.emplace(std::pair(dtype, shape), kAbsent);
  if (!is_new) return known->second;
  Tensor zero;
  zero.type = dtype;
  zero.constant = tensor_constant(TensorData::filled(dtype, {}, 0));
  const TensorIndex value = subgraph_.add(std::move(zero));
  known->second = like(value, Dims(shape.begin(), shape.end()));
  subgraph_.operators.push_back({.op = Op::kFill,
                                 .inputs = {add_int32_vector(subgraph_, shape), value},
                                 .outputs = {known->second},
                                 .location = location_});
  return known->second;
}

std::optional<std::vector<int32_t>> MemoryTable::held_shape(ValueId value,
                                                            const Layout& layout) const {
  const auto held = held_.find(plan_.memory_order(value, layout));
  if (held == held_.end() || held->second.empty()) return std::nullopt;
  return subgraph_.tensor(held->second.front().tensor).shape;
}

MemoryTable::Placement MemoryTable::placement(ValueId value) const {
  const layout::LayoutPlan::View& view = plan_.views[value];
  const auto producer = produced_.find(view.root);
  if (producer == produced_.end()) return {};
  const Held& held = producer->second;
  // Extents of the root's factors in memory order, then who they are among the value's factors.
  const MemoryOrder order = plan_.memory_order(held.value, held.layout);
  Placement placement;
  placement.tensor = held.tensor;
  placement.factors.assign(view.factors.size(), 1);
  size_t position = 0;
  for (const PhysicalAxis& axis : held.layout.axes) {
    for (const layout::AxisPart& part : axis.parts) {
      if (part.factor < 0) continue;
      const uint8_t root_factor = order.factors[position++];
      for (size_t factor = 0; factor < view.factors.size(); ++factor) {
        if (view.factors[factor] != root_factor) continue;
        placement.factors[factor] = part.extent.size();
        placement.perm.push_back(static_cast<int64_t>(factor));
      }
    }
  }
  return placement;
}

}  // namespace ferryman::tflite
