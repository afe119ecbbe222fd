#include "targets/tflite/lower/lower_op.h"

#include <algorithm>
#include <optional>

#include "support/check.h"
#include "targets/tflite/named/splice.h"

namespace ferryman::tflite {

namespace {

// Built-in kernels of many operators broadcast over no more axes.
constexpr size_t kPlainRank = 4;

}  // namespace

using layout::Layout;
using layout::PhysicalAxis;

int32_t LowerOp::axis(AttrKey<Axis> key) const {
  const Ints axes = plan_.operands[0].axes_of_dim(static_cast<int>(attr(key).value));
  check(axes.size() == 1, "an op along an axis that lies in pieces");
  return static_cast<int32_t>(axes[0]);
}

std::vector<int32_t> LowerOp::axes(AttrKey<Axes> key) const {
  std::vector<int32_t> result;
  for (const int64_t dim : attr(key).values) {
    for (const int64_t axis : plan_.operands[0].axes_of_dim(static_cast<int>(dim))) {
      result.push_back(static_cast<int32_t>(axis));
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<int32_t> LowerOp::per_axis(AttrKey<PerAxis> key) const {
  const Ints& values = attr(key).values;
  std::vector<int32_t> result;
  for (const PhysicalAxis& axis : plan_.operands[0].axes) {
    const int dim = axis.parts.front().dim;
    check(plan_.operands[0].axes_of_dim(dim).size() == 1, "a windowed axis that lies in pieces");
    result.push_back(static_cast<int32_t>(values[static_cast<size_t>(dim)]));
  }
  return result;
}

Shape LowerOp::axis_sizes(AttrKey<AxisSizes> key) const {
  Shape result;
  for (const PhysicalAxis& axis : plan_.operands[0].axes)
    result.push_back(attr(key).values[static_cast<size_t>(axis.parts.front().dim)]);
  return result;
}

Shape LowerOp::result_shape(size_t result) const {
  return plan_.results[result].shape();
}

Shape LowerOp::operand_shape(size_t index) const {
  return plan_.operands[index].shape();
}

TensorIndex LowerOp::operand(size_t index) {
  return memory_.in_layout(op_.operands[index], plan_.operands[index]);
}

TensorIndex LowerOp::operand(size_t index, const Shape& shape) {
  return memory_.in_shape(op_.operands[index], plan_.operands[index], shape);
}

Shape LowerOp::lying_shape(size_t index) const {
  const std::optional<Shape> held = memory_.held_shape(op_.operands[index], plan_.operands[index]);
  return held.has_value() ? *held : operand_shape(index);
}

TensorIndex LowerOp::joined(size_t index) {
  const ValueId value = op_.operands[index];
  Dims shape;
  for (const PhysicalAxis& axis : plan_.operands[0].axes) {
    shape.push_back(graph_.type(value).dims[static_cast<size_t>(axis.parts.front().dim)]);
  }
  return memory_.in_shape(value, plan_.operands[index], shape);
}

TensorIndex LowerOp::vector_operand(size_t index) {
  const ValueId value = op_.operands[index];
  return memory_.in_shape(value, plan_.operands[index],
                          {symbols().product(graph_.type(value).dims)});
}

Shape LowerOp::windowed_shape() const {
  Shape shape;
  for (const PhysicalAxis& axis : plan_.operands[0].axes) {
    const auto dim = static_cast<size_t>(axis.parts.front().dim);
    shape.push_back(result_type().dims[dim]);
  }
  return shape;
}

bool LowerOp::is_full_size(size_t index) const {
  return symbols().product(type(index).dims) == symbols().product(result_type().dims);
}

std::vector<MarkedAxis> LowerOp::broadcast_axes(size_t index) const {
  const Dims& dims = graph_.type(op_.operands[index]).dims;
  const size_t missing = result_type().rank() - dims.size();
  std::vector<MarkedAxis> axes;
  for (const PhysicalAxis& axis : plan_.results[0].axes) {
    const auto dim = static_cast<size_t>(axis.parts.front().dim);
    const bool has = dim >= missing && !(dims[dim - missing] == Dim(1));
    axes.push_back({axis.extent, has});
  }
  return axes;
}

// Any grouping of the elements will do that keeps apart the axes that an operand has and those
// along which it is repeated.
Shape LowerOp::elementwise_shape() const {
  const Shape planned = result_shape();
  bool broadcasts = false;
  for (size_t i = 0; i < op_.operands.size(); ++i)
    broadcasts |= !is_full_size(i) && type(i).rank() > 0;
  const auto fits = [&](const Shape& shape) {
    if (broadcasts && shape.size() > std::max(planned.size(), kPlainRank)) return false;
    for (size_t i = 0; i < op_.operands.size(); ++i) {
      if (is_full_size(i) || type(i).rank() == 0) continue;
      if (!marks_in_shape(symbols(), broadcast_axes(i), shape).has_value()) return false;
    }
    return true;
  };
  for (size_t i = 0; i < op_.operands.size(); ++i) {
    if (!is_full_size(i)) continue;
    const std::optional<Shape> held = memory_.held_shape(op_.operands[i], plan_.operands[i]);
    if (held.has_value() && fits(*held)) return *held;
  }
  return planned;
}

TensorIndex LowerOp::aligned(size_t index, const Shape& shape) {
  const ValueId value = op_.operands[index];
  if (is_full_size(index)) return operand(index, shape);
  std::optional<std::vector<bool>> has_axis =
      marks_in_shape(symbols(), broadcast_axes(index), shape);
  // A single number has none of the axes, whatever `shape` merges or splits.
  if (!has_axis.has_value()) has_axis = std::vector<bool>(shape.size(), false);
  Dims aligned_shape;
  for (size_t i = 0; i < shape.size(); ++i)
    aligned_shape.push_back((*has_axis)[i] ? shape[i] : Dim(1));
  // Constants need no leading ones, which would only make equal constants look different.
  while (graph_.is_constant(value) && !aligned_shape.empty() && aligned_shape.front() == Dim(1)) {
    aligned_shape.erase(aligned_shape.begin());
  }
  return memory_.in_shape(value, plan_.operands[index], aligned_shape);
}

void LowerOp::finish_elementwise(Op op, Options options) {
  const Shape shape = elementwise_shape();
  std::vector<TensorIndex> inputs;
  for (size_t i = 0; i < op_.operands.size(); ++i) inputs.push_back(aligned(i, shape));
  finish_in_shape(op, std::move(inputs), shape, std::move(options));
}

TensorIndex LowerOp::filled(DType dtype, const Shape& shape, double value) {
  const TensorData data = TensorData::filled(dtype, static_sizes(shape), value);
  return tensors_.add({.type = dtype, .constant = tensor_constant(data)}, shape);
}

TensorIndex LowerOp::emit(Op op, std::vector<TensorIndex> inputs, DType dtype, Shape shape,
                          Options options) {
  const TensorIndex output = add_tensor(dtype, std::move(shape));
  tensors_.subgraph().operators.push_back({.op = op,
                                           .inputs = std::move(inputs),
                                           .outputs = {output},
                                           .options = std::move(options),
                                           .location = static_cast<int32_t>(op_.location.index)});
  return output;
}

std::array<TensorIndex, 2> LowerOp::emit_pair(Op op, std::vector<TensorIndex> inputs,
                                              std::array<DType, 2> dtypes, const Shape& shape) {
  const TensorIndex first = add_tensor(dtypes[0], shape);
  const TensorIndex second = add_tensor(dtypes[1], shape);
  tensors_.subgraph().operators.push_back({.op = op,
                                           .inputs = std::move(inputs),
                                           .outputs = {first, second},
                                           .options = default_options(op),
                                           .location = static_cast<int32_t>(op_.location.index)});
  return {first, second};
}

TensorIndex LowerOp::add_tensor(DType dtype, Shape shape) {
  return tensors_.add({.type = dtype}, shape);
}

void LowerOp::open_axis(TensorIndex tensor, size_t axis) {
  Tensor& open = tensors_.subgraph().tensors[static_cast<size_t>(tensor)];
  if (open.shape_signature.empty()) open.shape_signature = open.shape;
  open.shape_signature[axis] = -1;
}

void LowerOp::finish_with(TensorIndex tensor) {
  finish_result(0, tensor);
}

void LowerOp::finish_result(size_t result, TensorIndex tensor) {
  const ValueId value = op_.results[result];
  tensors_.subgraph().tensors[static_cast<size_t>(tensor)].name = graph_.value(value).name;
  memory_.enter(value, plan_.results[result], tensor);
}

std::vector<TensorIndex> LowerOp::emit_all(Op op, std::vector<TensorIndex> inputs,
                                           std::vector<NewTensor> outputs, Options options) {
  Operator made = {.op = op,
                   .inputs = std::move(inputs),
                   .options = std::move(options),
                   .location = static_cast<int32_t>(op_.location.index)};
  for (const NewTensor& output : outputs)
    made.outputs.push_back(tensors_.add({.type = output.type}, output.shape));
  tensors_.subgraph().operators.push_back(std::move(made));
  return tensors_.subgraph().operators.back().outputs;
}

std::vector<TensorIndex> LowerOp::splice_in(const Model& part,
                                            const std::vector<TensorIndex>& inputs) {
  const auto location = static_cast<int32_t>(op_.location.index);
  return splice(part, inputs,
                {tensors_.subgraph(),
                 [this](Subgraph graph) { return called_.add(std::move(graph)); }, location});
}

TensorIndex LowerOp::reshaped(TensorIndex tensor, const Shape& to) {
  return shape(tensor) == to ? tensor : emit_reshape(tensor, to);
}

TensorIndex LowerOp::emit_reshape(TensorIndex tensor, const Shape& to) {
  ReshapeTo wanted = sizes_.reshape(to);
  return emit_all(Op::kReshape, {tensor, wanted.shape}, {{element_type(tensor), to}},
                  std::move(wanted.options))[0];
}

int32_t LowerOp::call(BodyId body, std::string_view role, const std::function<Subgraph()>& make) {
  const auto made = [&] {
    Subgraph subgraph = make();
    // What stands around the body's own operators belongs to this op.
    for (Operator& inner : subgraph.operators) {
      if (inner.location < 0) inner.location = static_cast<int32_t>(op_.location.index);
    }
    const std::string& node = graph_.location(id_).node;
    const std::string owner = node.empty() ? std::string(op_.def->name) : node;
    subgraph.name = owner + "/" + std::string(role);
    return subgraph;
  };
  return called_.find_or_add(body, role, made);
}

void LowerOp::finish_in_shape(Op op, std::vector<TensorIndex> inputs, const Shape& shape,
                              Options options) {
  const TensorIndex output =
      emit(op, std::move(inputs), result_type().dtype, shape, std::move(options));
  finish_with(output);
}

void LowerOp::finish(Op op, std::vector<TensorIndex> inputs, Options options) {
  check(op_.results.size() == 1, "an op with several results");
  finish_in_shape(op, std::move(inputs), result_shape(), std::move(options));
}

}  // namespace ferryman::tflite
