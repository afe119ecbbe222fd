#include "targets/tflite/lower/memory.h"

#include <array>

#include "targets/tflite/runtime/legality.h"

namespace ferryman::tflite {

namespace {

Op block_kernel(const layout::BlockMove& move) {
  return move.kind == layout::BlockMove::Kind::kDepthToSpace ? Op::kDepthToSpace
                                                             : Op::kSpaceToDepth;
}

}  // namespace

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

TensorIndex MemoryTable::constant(ValueId value, const TensorData& data, const Shape& shape) {
  tflite::Tensor tensor;
  tensor.name = graph().value(value).name;
  tensor.type = data.dtype();
  tensor.shape = shape;
  tensor.constant = tensor_constant(data);
  return subgraph_.add(std::move(tensor));
}

TensorIndex MemoryTable::like(TensorIndex from, const Shape& shape) {
  tflite::Tensor tensor;
  tensor.type = subgraph_.tensor(from).type;
  tensor.shape = shape;
  return subgraph_.add(std::move(tensor));
}

TensorIndex MemoryTable::reshape(TensorIndex from, const Shape& shape) {
  const TensorIndex to = like(from, shape);
  const TensorIndex shape_tensor = add_int32_vector(subgraph_, shape);
  subgraph_.operators.push_back({.op = Op::kReshape,
                                 .inputs = {from, shape_tensor},
                                 .outputs = {to},
                                 .options = ReshapeOptions{.new_shape = shape},
                                 .location = location_});
  return to;
}

TensorIndex MemoryTable::transpose(TensorIndex from, const Ints& perm) {
  Shape shape;
  std::vector<int32_t> perm32;
  for (const int64_t axis : perm) {
    shape.push_back(shape_of(from)[static_cast<size_t>(axis)]);
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

// TRANSPOSE takes every type, the kernels of blocks some.
bool MemoryTable::can_move_blocks(const layout::BlockMove& move, DType dtype) const {
  const std::array rank = {static_cast<int>(move.input_shape.size())};
  return check_legal(block_kernel(move), type_key(dtype), rank).verdict == Verdict::kAccepted;
}

TensorIndex MemoryTable::move_blocks(TensorIndex from, const layout::BlockMove& move) {
  const bool to_space = move.kind == layout::BlockMove::Kind::kDepthToSpace;
  const TensorIndex to = like(from, to_shape(move.output_shape));
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

TensorIndex MemoryTable::zeros(DType dtype, const std::vector<int32_t>& shape) {
  const auto [known, is_new] = zeros_.emplace(std::pair(dtype, shape), kAbsent);
  if (!is_new) return known->second;
  tflite::Tensor zero;
  zero.type = dtype;
  zero.constant = tensor_constant(TensorData::filled(dtype, {}, 0));
  const TensorIndex value = subgraph_.add(std::move(zero));
  known->second = like(value, shape);
  subgraph_.operators.push_back({.op = Op::kFill,
                                 .inputs = {add_int32_vector(subgraph_, shape), value},
                                 .outputs = {known->second},
                                 .location = location_});
  return known->second;
}

}  // namespace ferryman::tflite
