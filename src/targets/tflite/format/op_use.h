// One operator seen together with its tensors: what version rules, legality and printing look at.
//
//   const OpUse use{op, subgraph};
//   if (use.input(1) == nullptr) …                     // absent or left off
//   use.options<SoftmaxOptions>().beta;                // the defaults if none are set
#pragma once

#include <variant>

#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

inline bool is_quantised(const Tensor& tensor) {
  return tensor.quantization && !tensor.quantization->scale.empty();
}

// Invariant: the tensor indices of `op` are valid in `subgraph`.
struct OpUse {
  const Operator& op;
  const Subgraph& subgraph;

  const Tensor* input(size_t position) const { return at(op.inputs, position); }
  const Tensor* output(size_t position) const { return at(op.outputs, position); }

  template <typename Table>
  Table options() const {
    const Table* held = op.options.get_if<Table>();
    return held == nullptr ? Table{} : *held;
  }

 private:
  const Tensor* at(const std::vector<TensorIndex>& indices, size_t position) const {
    if (position >= indices.size() || indices[position] == kAbsent) return nullptr;
    return &subgraph.tensor(indices[position]);
  }
};

}  // namespace ferryman::tflite
