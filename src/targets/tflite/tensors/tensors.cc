#include "targets/tflite/tensors/tensors.h"

namespace ferryman::tflite {

std::vector<int32_t> stored_sizes(const SymbolTable& symbols, const Shape& shape) {
  std::vector<int32_t> sizes;
  for (const Dim dim : shape) sizes.push_back(static_cast<int32_t>(symbols.hint(dim)));
  return sizes;
}

TensorIndex TensorTable::add(Tensor tensor, const Shape& shape) {
  tensor.shape = stored_sizes(symbols_, shape);
  if (all_static(shape)) return subgraph_.add(std::move(tensor));
  for (const Dim dim : shape)
    tensor.shape_signature.push_back(dim.is_static() ? static_cast<int32_t>(dim.size()) : -1);
  const TensorIndex index = subgraph_.add(std::move(tensor));
  free_.emplace(index, shape);
  return index;
}

Shape TensorTable::shape(TensorIndex tensor) const {
  if (const auto free = free_.find(tensor); free != free_.end()) return free->second;
  const std::vector<int32_t>& sizes = subgraph_.tensor(tensor).shape;
  return Shape(sizes.begin(), sizes.end());
}

TensorIndex TensorTable::add_int32(const std::vector<int32_t>& values,
                                   const std::vector<int32_t>& shape) {
  Tensor tensor;
  tensor.type = DType::kI32;
  tensor.shape = shape;
  tensor.constant = constant_of(values);
  return subgraph_.add(std::move(tensor));
}

TensorIndex TensorTable::add_int32_vector(const std::vector<int32_t>& values) {
  return add_int32(values, {static_cast<int32_t>(values.size())});
}

}  // namespace ferryman::tflite
