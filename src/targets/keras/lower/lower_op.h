// What a lowering function sees of one op: operands already in the order that the plan gives them,
// attributes counted in it, weights as a layer holds them. It thinks of no layouts and cannot fail,
// but for sizes that Keras cannot be told (SizeError).
//
//   void lower_softmax(LowerOp& op) {
//     op.finish_layer({"Softmax", {{"axis", op.axis(attr::kAxis)}}}, {TensorRef{op.operand(0)}});
//   }
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "targets/keras/lower/memory.h"

namespace ferryman::keras {

// A weight of the file, as the plan orders its axes: `data` may have several axes for one of them.
struct Stored {
  ValueId source;
  TensorData data;
  std::vector<Ints> axes;  // of `data`, by axis of the operand
  Ints shape;              // by axis of the operand
};

class LowerOp {
 public:
  LowerOp(const layout::LayoutPlan& plan, Memory& memory, ModelBuilder& builder, OpId op)
      : plan_of_graph_(plan),
        memory_(memory),
        builder_(builder),
        id_(op),
        op_(builder.graph().op(op)),
        plan_(plan.ops[op]) {}

  const Op& op() const { return op_; }
  OpId id() const { return id_; }
  const Graph& graph() const { return builder_.graph(); }
  ModelBuilder& builder() { return builder_; }
  bool has(size_t index) const { return op_.has_operand(index); }
  size_t num_operands() const { return op_.operands.size(); }
  template <typename T>
  const T& attr(AttrKey<T> key) const {
    return op_.attr(key);
  }
  const TensorType& type(size_t operand) const { return graph().type(op_.operands[operand]); }
  const TensorType& result_type(size_t result = 0) const {
    return graph().type(op_.results[result]);
  }
  size_t rank(size_t operand) const { return plan_.operands[operand].axes.size(); }

  // Axes of operand 0 as it lies.
  int64_t axis(AttrKey<Axis> key) const { return axis_of_dim(attr(key).value); }
  int64_t axis_of_dim(int64_t dim) const;
  Ints axes(AttrKey<Axes> key) const;
  Ints per_axis(AttrKey<PerAxis> key) const;
  Dims axis_sizes(AttrKey<AxisSizes> key) const;
  Dims result_shape(size_t result = 0) const { return plan_.results[result].shape(); }
  // Of an op whose result has the axes of operand 0, with other extents.
  Dims windowed_shape() const;

  TensorIndex operand(size_t index) {
    return memory_.in_layout(op_.operands[index], plan_.operands[index]);
  }
  // Its axes lie as those of operand 0 do; extents may differ (concat).
  TensorIndex joined(size_t index);

  // A weight that a layer of this op may hold: none that is computed, or that another layer has.
  bool can_hold(size_t index) const;
  Stored stored(size_t index) const;
  // With its axes in the order of `perm` and this shape.
  static Variable variable(std::string name, const Stored& stored, const Ints& perm, Ints shape);
  // One axis, however it is ordered.
  Variable vector(std::string name, size_t index) const;
  // "conv1" of "conv1.weight"; of a weight whose name ends otherwise, all of it.
  std::string module_of(size_t index) const;

  TensorSpec result_spec(size_t result = 0) const {
    return {result_type(result).dtype, result_shape(result)};
  }
  void finish(TensorIndex tensor) { finish_result(0, tensor); }
  void finish_result(size_t result, TensorIndex tensor) {
    memory_.enter(op_.results[result], plan_.results[result], tensor);
  }
  void finish_operation(std::string_view file, std::string_view class_name, JsonArray args,
                        JsonObject config = {}) {
    finish(builder_.operation(file, class_name, std::move(args), std::move(config), result_spec()));
  }
  void finish_layer(LayerSpec spec, JsonArray args) {
    finish(builder_.layer(std::move(spec), std::move(args), result_spec()));
  }

 private:
  const layout::LayoutPlan& plan_of_graph_;
  Memory& memory_;
  ModelBuilder& builder_;
  OpId id_;
  const Op& op_;
  const layout::OpPlan& plan_;
};

}  // namespace ferryman::keras
