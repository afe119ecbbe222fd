// Which target tensors hold a value's memory, in which order: the one place where the layout plan
// becomes tensors, RESHAPEs and TRANSPOSEs. Each (memory, order) is copied at most once.
//
//   MemoryTable memory(graph, plan, subgraph);
//   TensorIndex x = memory.in_layout(value, layout);             // may emit a copy
//   memory.enter(result, layout, tensor);                        // what an op produced
//
// Invariant: the copies emitted are exactly plan.copies.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "layout/copy_steps.h"
#include "layout/plan.h"
#include "target/tflite/model.h"

namespace ferryman::tflite {

std::vector<int32_t> to_shape(const Dims& dims);

class MemoryTable {
 public:
  MemoryTable(const Graph& graph, const layout::LayoutPlan& plan, Subgraph& subgraph)
      : graph_(graph), plan_(plan), subgraph_(subgraph) {}

  void enter(ValueId value, const layout::Layout& layout, TensorIndex tensor);
  TensorIndex in_layout(ValueId value, const layout::Layout& layout);
  // The same with other axes of size 1, or neighbouring axes merged or split.
  TensorIndex in_shape(ValueId value, const layout::Layout& layout, const Dims& shape);

  // The shape in which the memory lies in that order already; none for constants and for what would
  // have to be copied.
  std::optional<std::vector<int32_t>> held_shape(ValueId value, const layout::Layout& layout) const;

  // Zeros that are made when the model runs: as a constant they would take their size of the file.
  TensorIndex zeros(DType dtype, const std::vector<int32_t>& shape);

  // How `value` lies in the tensor in which its memory was produced:
  //   stored = value.reshape(factors).permute(perm).reshape(shape of the tensor)
  struct Placement {
    TensorIndex tensor = kAbsent;  // kAbsent: no op produced it (constants)
    Ints factors;
    Ints perm;
  };
  Placement placement(ValueId value) const;

  int64_t bytes_copied() const { return bytes_copied_; }
  // Location given to the operators of copies.
  void set_location(int32_t location) { location_ = location; }

 private:
  struct Held {
    ValueId value;
    layout::Layout layout;
    TensorIndex tensor;
  };
  TensorIndex constant(ValueId value, const TensorData& data, const layout::Layout& layout,
                       const Dims& shape);
  TensorIndex reshaped(TensorIndex from, const Dims& shape);
  TensorIndex copied(ValueId value, const layout::Layout& layout, const Held& from,
                     const std::vector<int32_t>& wanted);
  std::optional<Ints> axis_perm(const Held& from, ValueId value, const layout::Layout& to) const;
  TensorIndex transposed(TensorIndex from, const Ints& perm);
  TensorIndex like(TensorIndex from, const Dims& shape);
  TensorIndex blocks_moved(TensorIndex from, const layout::BlockMove& move);
  TensorIndex in_steps(TensorIndex from, const std::vector<layout::CopyStep>& steps);

  const Graph& graph_;
  const layout::LayoutPlan& plan_;
  Subgraph& subgraph_;
  std::map<layout::MemoryOrder, std::vector<Held>> held_;  // the first of a root's is the producer
  std::map<ValueId, Held> produced_;                       // by root
  std::map<std::pair<ValueId, std::vector<int32_t>>,
           std::vector<std::pair<layout::Layout, TensorIndex>>>
      constants_;
  std::map<std::pair<DType, std::vector<int32_t>>, TensorIndex> zeros_;
  int64_t bytes_copied_ = 0;
  int32_t location_ = -1;
};

// A constant int32 tensor: shapes, axes, permutations.
TensorIndex add_int32(Subgraph& subgraph, const std::vector<int32_t>& values,
                      const std::vector<int32_t>& shape);
TensorIndex add_int32_vector(Subgraph& subgraph, const std::vector<int32_t>& values);

}  // namespace ferryman::tflite
