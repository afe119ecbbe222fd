// Sizes as tensors of the file: constants, or computed from the shapes of its inputs where they are
// free. Each is made once, when it is first asked for.
//
//   SizeTable sizes(tensors);
//   sizes.add_input(x);
//   const TensorIndex count = sizes.scalar(symbols.mul(batch, 4));     // SHAPE, STRIDED_SLICE, MUL
//   const auto [shape, options] = sizes.reshape({batch, 48});          // a constant with one -1
//
// Deriving a shape from SHAPE of an input is safe: whoever resizes the input has the whole graph
// planned anew.
#pragma once

#include <map>
#include <vector>

#include "targets/tflite/tensors/tensors.h"

namespace ferryman::tflite {

// What RESHAPE reads beside its operand.
struct ReshapeTo {
  TensorIndex shape;
  ReshapeOptions options;
};

class SizeTable {
 public:
  explicit SizeTable(TensorTable& tensors) : tensors_(tensors) {}

  // Sizes are read of this one.
  void add_input(TensorIndex input) { inputs_.push_back(input); }

  // int32, of rank 0. SizeError if no input has a symbol of it among its sizes.
  TensorIndex scalar(Dim dim);
  // int32, of rank 1.
  TensorIndex vector(const Shape& shape);
  // One free size is left to the runtime, which finds it from the others.
  ReshapeTo reshape(const Shape& shape);

 private:
  TensorIndex value(const SizeExpr& size);
  TensorIndex sum(const SizeExpr& size);
  TensorIndex term(const SizeExpr::Term& term);
  TensorIndex atom(uint32_t id);
  TensorIndex symbol(size_t place);
  TensorIndex read(TensorIndex input, size_t axis);
  TensorIndex emit(Op op, std::vector<TensorIndex> inputs, const std::vector<int32_t>& shape = {},
                   Options options = {});

  TensorTable& tensors_;
  std::vector<TensorIndex> inputs_;
  std::map<SizeExpr, TensorIndex> values_;
  std::map<TensorIndex, TensorIndex> shapes_;  // SHAPE of inputs
  std::map<Shape, TensorIndex> vectors_;
};

}  // namespace ferryman::tflite
