// The tensors of a subgraph that hold the values of a graph, in the orders of its layout plan.
#pragma once

#include <map>
#include <vector>

#include "layout/materialise.h"
#include "targets/tflite/format/model.h"
#include "targets/tflite/lower/shapes.h"

namespace ferryman::tflite {

using layout::to_shape;

class MemoryTable : public layout::Materialiser {
 public:
  MemoryTable(const Graph& graph, const layout::LayoutPlan& plan, Subgraph& subgraph)
      : Materialiser(graph, plan), subgraph_(subgraph) {}

  // Zeros that are made when the model runs: as a constant they would take their size of the file.
  TensorIndex zeros(DType dtype, const std::vector<int32_t>& shape);

  // Location given to the operators of copies.
  void set_location(int32_t location) { location_ = location; }

 private:
  const Shape& shape_of(TensorIndex tensor) const override {
    return subgraph_.tensor(tensor).shape;
  }
  TensorIndex constant(ValueId value, const TensorData& data, const Shape& shape) override;
  TensorIndex reshape(TensorIndex from, const Shape& shape) override;
  TensorIndex transpose(TensorIndex from, const Ints& perm) override;
  bool can_move_blocks(const layout::BlockMove& move, DType dtype) const override;
  size_t max_fast_rank() const override { return kMaxDelegatedRank; }
  TensorIndex move_blocks(TensorIndex from, const layout::BlockMove& move) override;

  TensorIndex like(TensorIndex from, const Shape& shape);

  Subgraph& subgraph_;
  std::map<std::pair<DType, std::vector<int32_t>>, TensorIndex> zeros_;
  int32_t location_ = -1;
};

// A constant int32 tensor: shapes, axes, permutations.
TensorIndex add_int32(Subgraph& subgraph, const std::vector<int32_t>& values,
                      const std::vector<int32_t>& shape);
TensorIndex add_int32_vector(Subgraph& subgraph, const std::vector<int32_t>& values);

}  // namespace ferryman::tflite
