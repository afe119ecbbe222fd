// The tensors of a subgraph that hold the values of a graph, in the orders of its layout plan.
#pragma once

#include <map>
#include <vector>

#include "layout/materialise.h"
#include "targets/tflite/format/model.h"
#include "targets/tflite/tensors/sizes.h"

namespace ferryman::tflite {

class MemoryTable : public layout::Materialiser {
 public:
  MemoryTable(const Graph& graph, const layout::LayoutPlan& plan, TensorTable& tensors,
              SizeTable& sizes)
      : Materialiser(graph, plan), tensors_(tensors), sizes_(sizes) {}

  // Zeros that are made when the model runs: as a constant they would take their size of the file.
  TensorIndex zeros(DType dtype, const Shape& shape);

  // Location given to the operators of copies.
  void set_location(int32_t location) { location_ = location; }

 private:
  Shape shape_of(TensorIndex tensor) const override { return tensors_.shape(tensor); }
  TensorIndex constant(ValueId value, const TensorData& data, const Shape& shape) override;
  TensorIndex reshape(TensorIndex from, const Shape& shape) override;
  TensorIndex transpose(TensorIndex from, const Ints& perm) override;
  bool can_move_blocks(const layout::BlockMove& move, DType dtype) const override;
  size_t max_fast_rank() const override { return kMaxDelegatedRank; }
  TensorIndex move_blocks(TensorIndex from, const layout::BlockMove& move) override;

  TensorIndex like(TensorIndex from, const Shape& shape);
  void append(Op op, std::vector<TensorIndex> inputs, TensorIndex output, Options options = {});

  TensorTable& tensors_;
  SizeTable& sizes_;
  std::map<std::pair<DType, Shape>, TensorIndex> zeros_;
  int32_t location_ = -1;
};

}  // namespace ferryman::tflite
