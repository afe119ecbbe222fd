// The tensors of one subgraph while it is lowered. The file's are of numbers: the example's sizes
// and, where one is free, -1 in the signature. Here they have the sizes themselves.
//
//   TensorTable tensors(graph.symbols(), subgraph);
//   const TensorIndex x = tensors.add({.type = DType::kF32}, {batch, 3, 8, 8});
//   tensors.shape(x)                                  // {batch, 3, 8, 8}
#pragma once

#include <map>
#include <vector>

#include "targets/tflite/format/model.h"
#include "targets/tflite/tensors/shapes.h"

namespace ferryman::tflite {

class TensorTable {
 public:
  TensorTable(SymbolTable& symbols, Subgraph& subgraph) : symbols_(symbols), subgraph_(subgraph) {}

  TensorIndex add(Tensor tensor, const Shape& shape);
  Shape shape(TensorIndex tensor) const;
  ElementType type(TensorIndex tensor) const { return subgraph_.tensor(tensor).type; }

  // A constant int32 tensor: axes, permutations, sizes that are numbers.
  TensorIndex add_int32(const std::vector<int32_t>& values, const std::vector<int32_t>& shape);
  TensorIndex add_int32_vector(const std::vector<int32_t>& values);

  SymbolTable& symbols() const { return symbols_; }
  Subgraph& subgraph() const { return subgraph_; }

 private:
  SymbolTable& symbols_;
  Subgraph& subgraph_;
  std::map<TensorIndex, Shape> free_;  // those with a free size
};

// The sizes as the file stores them: those of the example where they are free.
std::vector<int32_t> stored_sizes(const SymbolTable& symbols, const Shape& shape);

}  // namespace ferryman::tflite
