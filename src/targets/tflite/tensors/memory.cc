#include "targets/tflite/tensors/memory.h"

#include <array>

#include "targets/tflite/runtime/legality.h"

namespace ferryman::tflite {

namespace {

Op block_kernel(const layout::BlockMove& move) {
  return move.kind == layout::BlockMove::Kind::kDepthToSpace ? Op::kDepthToSpace
                                                             : Op::kSpaceToDepth;
}

}  // namespace

TensorIndex MemoryTable::constant(ValueId value, const TensorData& data, const Shape& shape) {
  return tensors_.add(
      {.name = graph().value(value).name, .type = data.dtype(), .constant = tensor_constant(data)},
      shape);
}

TensorIndex MemoryTable::like(TensorIndex from, const Shape& shape) {
  return tensors_.add({.type = tensors_.type(from)}, shape);
}

void MemoryTable::append(Op op, std::vector<TensorIndex> inputs, TensorIndex output,
                         Options options) {
  tensors_.subgraph().operators.push_back({.op = op,
                                           .inputs = std::move(inputs),
                                           .outputs = {output},
                                           .options = std::move(options),
                                           .location = location_});
}

TensorIndex MemoryTable::reshape(TensorIndex from, const Shape& shape) {
  const TensorIndex to = like(from, shape);
  ReshapeTo wanted = sizes_.reshape(shape);
  append(Op::kReshape, {from, wanted.shape}, to, std::move(wanted.options));
  return to;
}

TensorIndex MemoryTable::transpose(TensorIndex from, const Ints& perm) {
  const Shape before = shape_of(from);
  Shape shape;
  for (const int64_t axis : perm) shape.push_back(before[static_cast<size_t>(axis)]);
  const TensorIndex to = like(from, shape);
  append(Op::kTranspose, {from, tensors_.add_int32_vector({perm.begin(), perm.end()})}, to);
  return to;
}

// TRANSPOSE takes every type, the kernels of blocks some.
bool MemoryTable::can_move_blocks(const layout::BlockMove& move, DType dtype) const {
  const std::array rank = {static_cast<int>(move.input_shape.size())};
  return check_legal(block_kernel(move), type_key(dtype), rank).verdict == Verdict::kAccepted;
}

TensorIndex MemoryTable::move_blocks(TensorIndex from, const layout::BlockMove& move) {
  const TensorIndex to = like(from, move.output_shape);
  const auto block = static_cast<int32_t>(move.size);
  const bool to_space = move.kind == layout::BlockMove::Kind::kDepthToSpace;
  append(block_kernel(move), {from}, to,
         to_space ? Options(DepthToSpaceOptions{.block_size = block})
                  : Options(SpaceToDepthOptions{.block_size = block}));
  return to;
}

TensorIndex MemoryTable::zeros(DType dtype, const Shape& shape) {
  const auto [known, is_new] = zeros_.emplace(std::pair(dtype, shape), kAbsent);
  if (!is_new) return known->second;
  const TensorIndex zero = tensors_.add(
      {.type = dtype, .constant = tensor_constant(TensorData::filled(dtype, {}, 0))}, {});
  known->second = like(zero, shape);
  const TensorIndex size = sizes_.vector(shape);
  append(Op::kFill, {size, zero}, known->second);
  return known->second;
}

}  // namespace ferryman::tflite
