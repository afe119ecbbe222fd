// What a lowering function sees of one op: operands already in the order that the chosen form asks
// for, attributes renumbered to it. A lowering function therefore never thinks about layouts, and
// cannot fail: legalise has made sure of everything that it relies on.
//
//   void lower_softmax(LowerOp& op) { op.finish(Op::kSoftmax, {op.operand(0)}, SoftmaxOptions{}); }
#pragma once

#include <array>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "targets/tflite/tensors/memory.h"
#include "targets/tflite/tensors/shapes.h"

namespace ferryman::tflite {

// The graphs that operators of one graph call: branches, conditions and bodies of loops.
class CalledGraphs {
 public:
  virtual ~CalledGraphs() = default;
  // A body as a graph whose inputs and outputs lie as the plan of its op says.
  virtual Subgraph lower(BodyId body) = 0;
  // The number of a finished graph in the model.
  virtual int32_t add(Subgraph subgraph) = 0;

  // The graph that plays this role for ops that run `body`: made once.
  int32_t find_or_add(BodyId body, std::string_view role, const std::function<Subgraph()>& make) {
    const auto key = std::pair(body, std::string(role));
    const auto known = numbers_.find(key);
    if (known != numbers_.end()) return known->second;
    const int32_t number = add(make());
    numbers_.emplace(key, number);
    return number;
  }

 private:
  std::map<std::pair<BodyId, std::string>, int32_t> numbers_;
};

struct NewTensor {
  ElementType type;
  Shape shape;
};

class LowerOp {
 public:
  LowerOp(const Graph& graph, const layout::LayoutPlan& plan, MemoryTable& memory,
          TensorTable& tensors, SizeTable& sizes, CalledGraphs& called, OpId op)
      : graph_(graph),
        op_(graph.op(op)),
        id_(op),
        plan_(plan.ops[op]),
        memory_(memory),
        tensors_(tensors),
        sizes_(sizes),
        called_(called) {}

  const ferryman::Op& op() const { return op_; }
  OpId id() const { return id_; }
  const Graph& graph() const { return graph_; }
  int form() const { return plan_.form; }
  bool has(size_t index) const { return op_.has_operand(index); }
  size_t num_operands() const { return op_.operands.size(); }

  template <typename T>
  const T& attr(AttrKey<T> key) const {
    return op_.attr(key);
  }
  // Axis numbers of the physical operand 0.
  int32_t axis(AttrKey<Axis> key) const;
  std::vector<int32_t> axes(AttrKey<Axes> key) const;
  std::vector<int32_t> per_axis(AttrKey<PerAxis> key) const;
  Shape axis_sizes(AttrKey<AxisSizes> key) const;

  const ferryman::TensorType& type(size_t operand) const {
    return graph_.type(op_.operands[operand]);
  }
  const ferryman::TensorType& result_type(size_t result = 0) const {
    return graph_.type(op_.results[result]);
  }

  TensorIndex operand(size_t index);
  TensorIndex operand(size_t index, const Shape& shape);
  // The shape in which the operand lies in its planned order already, where any grouping of its
  // axes will do: reading it so costs no RESHAPE. The planned shape if it must be copied anyway.
  Shape lying_shape(size_t index) const;
  // An operand whose axes lie as those of operand 0 do; extents may differ (concat).
  TensorIndex joined(size_t index);
  // A constant vector (a bias) as one axis, however its positions are ordered.
  TensorIndex vector_operand(size_t index);
  // The result of an op that keeps the axes of operand 0 and changes their extents.
  Shape windowed_shape() const;
  // An elementwise operand with its axes lined up with those of the result.
  TensorIndex aligned(size_t index) { return aligned(index, result_shape()); }
  // The same, where the result has `shape`: its planned shape up to axes of size 1.
  TensorIndex aligned(size_t index, const Shape& shape);
  Shape shape(TensorIndex tensor) const { return tensors_.shape(tensor); }
  ElementType element_type(TensorIndex tensor) const { return tensors_.type(tensor); }
  // As planned.
  Shape result_shape(size_t result = 0) const;
  Shape operand_shape(size_t index) const;

  TensorIndex ints(const std::vector<int32_t>& values) { return tensors_.add_int32_vector(values); }
  TensorIndex scalar(int32_t value) { return tensors_.add_int32({value}, {}); }
  TensorIndex matrix(const std::vector<int32_t>& values, const std::vector<int32_t>& shape) {
    return tensors_.add_int32(values, shape);
  }
  // A size, or several, as int32.
  TensorIndex size(Dim dim) { return sizes_.scalar(dim); }
  TensorIndex sizes(const Shape& shape) { return sizes_.vector(shape); }
  SymbolTable& symbols() const { return tensors_.symbols(); }
  // A constant with all elements equal.
  TensorIndex filled(DType dtype, const Shape& shape, double value);

  TensorIndex zeros(DType dtype, const Shape& shape) { return memory_.zeros(dtype, shape); }

  // An operator with one new tensor as its output.
  TensorIndex emit(Op op, std::vector<TensorIndex> inputs, DType dtype, Shape shape,
                   Options options = {});
  // One with two: the shape of both, and their dtypes.
  std::array<TensorIndex, 2> emit_pair(Op op, std::vector<TensorIndex> inputs,
                                       std::array<DType, 2> dtypes, const Shape& shape);
  // An operator with several new tensors as its outputs.
  std::vector<TensorIndex> emit_all(Op op, std::vector<TensorIndex> inputs,
                                    std::vector<NewTensor> outputs, Options options);
  // The operators of a finished model (named/splice.h); its outputs.
  std::vector<TensorIndex> splice_in(const Model& part, const std::vector<TensorIndex>& inputs);
  TensorIndex reshaped(TensorIndex tensor, const Shape& shape);
  // The same, always by an operator.
  TensorIndex emit_reshape(TensorIndex tensor, const Shape& shape);
  // The shape that operands and result of a pointwise operator share: that in which the largest
  // operand lies already, so that axes of size 1 cause no RESHAPE.
  Shape elementwise_shape() const;
  // A pointwise operator in that shape.
  void finish_elementwise(Op op, Options options = {});
  // The operator whose outputs are the op's results.
  void finish(Op op, std::vector<TensorIndex> inputs, Options options = {});
  // The same, where the kernel's output has another shape than planned, with the same elements in
  // the same order. A reader that needs the planned shape makes a RESHAPE.
  void finish_in_shape(Op op, std::vector<TensorIndex> inputs, const Shape& shape,
                       Options options = {});
  // States that only a run tells how long that axis is.
  void open_axis(TensorIndex tensor, size_t axis);
  // The op's result is that tensor.
  void finish_with(TensorIndex tensor);
  // The same of an op with several results.
  void finish_result(size_t result, TensorIndex tensor);

  // A body of this op: its inputs lie as the operands do, its outputs as the results.
  Subgraph lower_body(BodyId body) { return called_.lower(body); }
  // The number of the graph that ops call to run `body`. It is named after the op and its role
  // ("lstm/body_2"), and made where no op has called it so far.
  int32_t call(BodyId body, std::string_view role, const std::function<Subgraph()>& make);

 private:
  // The result's axes; marked are those that the operand has, too.
  std::vector<MarkedAxis> broadcast_axes(size_t index) const;
  bool is_full_size(size_t index) const;
  TensorIndex add_tensor(DType dtype, Shape shape);

  const Graph& graph_;
  const ferryman::Op& op_;
  OpId id_;
  const layout::OpPlan& plan_;
  MemoryTable& memory_;
  TensorTable& tensors_;
  SizeTable& sizes_;
  CalledGraphs& called_;
};

}  // namespace ferryman::tflite
