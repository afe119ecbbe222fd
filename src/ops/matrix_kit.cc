#include "ops/matrix_kit.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/names.h"

namespace ferryman {

int64_t MatrixKit::size(ValueId x, size_t axis) const {
  return static_sizes(builder_->graph().type(x).dims)[axis];
}

ValueId MatrixKit::add(ValueId a, ValueId b) {
  return binary(ops::kAdd, a, b);
}
ValueId MatrixKit::sub(ValueId a, ValueId b) {
  return binary(ops::kSub, a, b);
}
ValueId MatrixKit::mul(ValueId a, ValueId b) {
  return binary(ops::kMul, a, b);
}
ValueId MatrixKit::mul(ValueId a, double b) {
  return b == 1 ? a : binary(ops::kMul, a, b);
}
ValueId MatrixKit::div(ValueId a, ValueId b) {
  return binary(ops::kDiv, a, b);
}

ValueId MatrixKit::where(ValueId condition, ValueId x, ValueId other) {
  return builder_->create(ops::kWhere, {condition, x, other});
}
ValueId MatrixKit::where(ValueId condition, ValueId x, double other) {
  return where(condition, x, number(x, other));
}
ValueId MatrixKit::where(ValueId condition, double x, ValueId other) {
  return where(condition, number(other, x), other);
}

ValueId MatrixKit::cast(ValueId x, DType to) {
  return dtype(x) == to ? x : builder_->create(ops::kCast, {x}, {{attr::kDType, to}});
}

ValueId MatrixKit::block(ValueId x, Range rows, Range columns) {
  const Ints sizes = static_sizes(builder_->graph().type(x).dims);
  const Ints starts = {0, rows.begin, columns.begin};
  const Ints ends = {sizes[0], rows.end, columns.end};
  if (starts == Ints{0, 0, 0} && ends == sizes) return x;
  const Ints shape = {sizes[0], ends[1] - starts[1], ends[2] - starts[2]};
  if (product(shape) == 0) return zeros(x, shape[1], shape[2]);
  return builder_->create(ops::kSlice, {x},
                          {{attr::kStarts, PerAxis{starts}},
                           {attr::kEnds, PerAxis{ends}},
                           {attr::kSteps, PerAxis{{1, 1, 1}}}});
}

ValueId MatrixKit::rows(ValueId x, int64_t begin, int64_t end) {
  return block(x, {begin, end}, {0, num_columns(x)});
}
ValueId MatrixKit::columns(ValueId x, int64_t begin, int64_t end) {
  return block(x, {0, num_rows(x)}, {begin, end});
}
ValueId MatrixKit::at(ValueId x, int64_t row, int64_t column) {
  return block(x, {row, row + 1}, {column, column + 1});
}

// Chosen, not multiplied: an infinity beside the diagonal would leave NaN.
ValueId MatrixKit::diagonal(ValueId x) {
  const int64_t count = std::min(num_rows(x), num_columns(x));
  const ValueId square = block(x, {0, count}, {0, count});
  const ValueId chosen = masked(
      square, [](int64_t i, int64_t j) { return i == j; }, 0);
  return reduce(ops::kSum, chosen, {1});
}

ValueId MatrixKit::mirrored_lower(ValueId x) {
  const ValueId below = strictly_lower(x);
  return add(lower(x), transpose(below));
}

ValueId MatrixKit::concat(const std::vector<ValueId>& parts, int64_t axis) {
  std::vector<ValueId> present;
  for (const ValueId part : parts) {
    if (size(part, static_cast<size_t>(axis)) != 0) present.push_back(part);
  }
  if (present.empty()) return parts.front();
  if (present.size() == 1) return present.front();
  const NamedAttr along(attr::kAxis, Axis{axis});
  return builder_->create(ops::kConcat, present, {&along, 1});
}

ValueId MatrixKit::transpose(ValueId x) {
  if (num_rows(x) == 1 || num_columns(x) == 1) return turned(x);
  return builder_->create(ops::kPermute, {x}, {{attr::kPerm, Perm{{0, 2, 1}}}});
}

ValueId MatrixKit::turned(ValueId vector) {
  return reshape(vector, {batch(vector), num_columns(vector), num_rows(vector)});
}

ValueId MatrixKit::matmul(ValueId a, ValueId b) {
  return builder_->create(ops::kMatmul, {a, b});
}

ValueId MatrixKit::reduce(OpName op, ValueId x, Ints axes) {
  return builder_->create(op, {x}, {{attr::kAxes, Axes{std::move(axes)}}, {attr::kKeepDim, true}});
}

ValueId MatrixKit::argmax_rows(ValueId x) {
  return builder_->create(ops::kArgmax, {x}, {{attr::kAxis, Axis{1}}});
}

ValueId MatrixKit::pick_rows(ValueId x, const Ints& indices) {
  const auto count = static_cast<int64_t>(indices.size());
  const ValueId positions =
      builder_->constant(TensorData::of<int64_t>({count}, indices), "indices");
  return builder_->create(ops::kGather, {x, positions}, {{attr::kAxis, Axis{1}}});
}

ValueId MatrixKit::number(ValueId like, double value) {
  return builder_->scalar(dtype(like), value);
}

ValueId MatrixKit::zeros(ValueId like, int64_t rows, int64_t columns) {
  return builder_->constant(TensorData::filled(dtype(like), {batch(like), rows, columns}, 0),
                            "zeros");
}

ValueId MatrixKit::identity(ValueId like, int64_t rows, int64_t columns) {
  std::vector<double> values(static_cast<size_t>(rows * columns), 0.0);
  for (int64_t i = 0; i < std::min(rows, columns); ++i)
    values[static_cast<size_t>(i * columns + i)] = 1;
  return constant(dtype(like), {1, rows, columns}, values);
}

ValueId MatrixKit::constant(DType dtype, Ints shape, const std::vector<double>& values) {
  const TensorType type{dtype, to_dims(shape)};
  return builder_->constant(store_doubles(type, values), "matrix");
}

ValueId MatrixKit::flatten_batch(ValueId x) {
  const Ints sizes = static_sizes(builder_->graph().type(x).dims);
  const Ints leading(sizes.begin(), sizes.end() - 2);
  return reshape(x, {product(leading), sizes[sizes.size() - 2], sizes.back()});
}

ValueId MatrixKit::reshape(ValueId x, Ints shape) {
  if (static_sizes(builder_->graph().type(x).dims) == shape) return x;
  return builder_->create(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{to_dims(shape)}}});
}

ValueId MatrixKit::repeat(ValueId x, int64_t batch) {
  if (this->batch(x) == batch) return x;
  const Ints shape = {batch, num_rows(x), num_columns(x)};
  return builder_->create(ops::kExpand, {x}, {{attr::kShape, ShapeAttr{to_dims(shape)}}});
}

}  // namespace ferryman
