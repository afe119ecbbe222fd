// The tensors of a model that hold the values of a graph, in the orders of its layout plan.
#pragma once

#include "layout/materialise.h"
#include "targets/keras/lower/model_builder.h"

namespace ferryman::keras {

class Memory : public layout::Materialiser {
 public:
  Memory(const Graph& graph, const layout::LayoutPlan& plan, ModelBuilder& builder)
      : Materialiser(graph, plan), plan_(plan), builder_(builder) {}

 private:
  Shape shape_of(TensorIndex tensor) const override { return builder_.shape(tensor); }
  TensorIndex constant(ValueId value, const TensorData& data, const Shape& shape) override;
  TensorIndex reshape(TensorIndex from, const Shape& shape) override {
    return builder_.reshape(from, shape);
  }
  TensorIndex transpose(TensorIndex from, const Ints& perm) override {
    return builder_.transpose(from, perm);
  }
  bool can_move_blocks(const layout::BlockMove&, DType) const override { return false; }
  TensorIndex move_blocks(TensorIndex from, const layout::BlockMove&) override { return from; }

  const layout::LayoutPlan& plan_;
  ModelBuilder& builder_;
};

}  // namespace ferryman::keras
