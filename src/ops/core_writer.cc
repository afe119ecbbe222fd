#include "ops/core_writer.h"

#include <numeric>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/names.h"

namespace ferryman {

ValueId CoreWriter::add(ValueId a, ValueId b) {
  return binary(ops::kAdd, a, b);
}
ValueId CoreWriter::add(ValueId a, double b) {
  return b == 0 ? a : binary(ops::kAdd, a, b);
}
ValueId CoreWriter::sub(ValueId a, ValueId b) {
  return binary(ops::kSub, a, b);
}
ValueId CoreWriter::mul(ValueId a, ValueId b) {
  return binary(ops::kMul, a, b);
}
ValueId CoreWriter::mul(ValueId a, double b) {
  return b == 1 ? a : binary(ops::kMul, a, b);
}
ValueId CoreWriter::div(ValueId a, ValueId b) {
  return binary(ops::kDiv, a, b);
}

ValueId CoreWriter::linear(ValueId x, ValueId weight, ValueId bias) {
  return builder_->create(ops::kLinear, {x, weight, bias});
}

ValueId CoreWriter::where(ValueId condition, ValueId x, ValueId other) {
  return builder_->create(ops::kWhere, {condition, x, other});
}
ValueId CoreWriter::where(ValueId condition, ValueId x, double other) {
  return where(condition, x, scalar(x, other));
}
ValueId CoreWriter::where(ValueId condition, double x, ValueId other) {
  return where(condition, scalar(other, x), other);
}

ValueId CoreWriter::cast(ValueId x, DType dtype) {
  if (type(x).dtype == dtype) return x;
  return builder_->create(ops::kCast, {x}, {{attr::kDType, dtype}});
}

ValueId CoreWriter::polynomial(ValueId x, const std::vector<double>& coefficients) {
  ValueId sum = add(mul(x, coefficients[0]), coefficients[1]);
  for (size_t i = 2; i < coefficients.size(); ++i) sum = add(mul(sum, x), coefficients[i]);
  return sum;
}

ValueId CoreWriter::reshape(ValueId x, Dims dims) {
  if (type(x).dims == dims) return x;
  const Graph& graph = builder_->graph();
  if (graph.is_constant(x) && all_static(dims)) {
    return builder_->constant(graph.constant(x).reshaped(static_sizes(dims)), graph.value(x).name);
  }
  return builder_->create(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{std::move(dims)}}});
}

ValueId CoreWriter::permute(ValueId x, Ints perm) {
  if (perm == iota_axes(perm.size())) return x;
  const Graph& graph = builder_->graph();
  if (graph.is_constant(x))
    return builder_->constant(graph.constant(x).permuted(perm), graph.value(x).name);
  return builder_->create(ops::kPermute, {x}, {{attr::kPerm, Perm{std::move(perm)}}});
}

ValueId CoreWriter::expand(ValueId x, Dims dims) {
  if (type(x).dims == dims) return x;
  Dims lined_up(dims.size() - type(x).dims.size(), Dim(1));
  lined_up.insert(lined_up.end(), type(x).dims.begin(), type(x).dims.end());
  x = reshape(x, std::move(lined_up));
  return builder_->create(ops::kExpand, {x}, {{attr::kShape, ShapeAttr{std::move(dims)}}});
}

ValueId CoreWriter::slice(ValueId x, Ints starts, Ints ends, Ints steps) {
  if (steps.empty()) steps.assign(starts.size(), 1);
  const Ints sizes = static_sizes(dims(x));
  const bool everything =
      starts == Ints(starts.size(), 0) && ends == sizes && steps == Ints(steps.size(), 1);
  if (everything) return x;
  return builder_->create(ops::kSlice, {x},
                          {{attr::kStarts, PerAxis{std::move(starts)}},
                           {attr::kEnds, PerAxis{std::move(ends)}},
                           {attr::kSteps, PerAxis{std::move(steps)}}});
}

ValueId CoreWriter::slice_axis(ValueId x, size_t axis, int64_t begin, int64_t end, int64_t step) {
  Ints ends = static_sizes(dims(x));
  Ints starts(ends.size(), 0);
  Ints steps(ends.size(), 1);
  starts[axis] = begin;
  ends[axis] = end;
  steps[axis] = step;
  return slice(x, std::move(starts), std::move(ends), std::move(steps));
}

ValueId CoreWriter::pad(ValueId x, Ints before, Ints after, double value) {
  const Ints zeros(before.size(), 0);
  if (before == zeros && after == zeros) return x;
  return builder_->create(ops::kPad, {x},
                          {{attr::kBefore, PerAxis{std::move(before)}},
                           {attr::kAfter, PerAxis{std::move(after)}},
                           {attr::kValue, value}});
}

ValueId CoreWriter::flip(ValueId x, size_t axis) {
  return builder_->create(ops::kFlip, {x}, {{attr::kAxes, Axes{{static_cast<int64_t>(axis)}}}});
}

ValueId CoreWriter::concat(const std::vector<ValueId>& parts, size_t axis) {
  if (parts.size() == 1) return parts.front();
  const std::vector<NamedAttr> attrs = {{attr::kAxis, Axis{static_cast<int64_t>(axis)}}};
  return builder_->create(ops::kConcat, parts, attrs);
}

ValueId CoreWriter::reduce(OpName name, ValueId x, Ints axes, bool keepdim) {
  return builder_->create(name, {x},
                          {{attr::kAxes, Axes{std::move(axes)}}, {attr::kKeepDim, keepdim}});
}

ValueId CoreWriter::gather(ValueId x, size_t axis, const std::vector<int32_t>& indices) {
  const ValueId positions = builder_->constant(
      TensorData::of<int32_t>({static_cast<int64_t>(indices.size())}, indices), "indices");
  return builder_->create(ops::kGather, {x, positions},
                          {{attr::kAxis, Axis{static_cast<int64_t>(axis)}}});
}

ValueId CoreWriter::apply_matrix(ValueId x, size_t axis, TensorData matrix) {
  Ints swap = iota_axes(dims(x).size());
  std::swap(swap[axis], swap.back());
  const ValueId weight = builder_->constant(std::move(matrix), "matrix");
  return permute(builder_->create(ops::kLinear, {permute(x, swap), weight}), swap);
}

ValueId CoreWriter::scalar(ValueId like, double value) {
  return builder_->scalar(type(like).dtype, value);
}

ValueId CoreWriter::constant(DType dtype, Ints shape, const std::vector<double>& values,
                             std::string name) {
  return builder_->constant(store_doubles({dtype, to_dims(shape)}, values), std::move(name));
}

Ints iota_axes(size_t rank) {
  Ints axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

Ints prefixed(const Ints& values, int64_t first, size_t count) {
  Ints result(count, first);
  result.insert(result.end(), values.begin(), values.end());
  return result;
}

}  // namespace ferryman
