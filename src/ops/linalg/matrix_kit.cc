#include "ops/linalg/matrix_kit.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/names.h"

namespace ferryman {

ValueId MatrixKit::block(ValueId x, Range rows, Range columns) {
  const int64_t num_rows = rows.end - rows.begin;
  const int64_t num_columns = columns.end - columns.begin;
  if (batch(x) * num_rows * num_columns == 0) return zeros(x, num_rows, num_columns);
  return slice(x, {0, rows.begin, columns.begin}, {batch(x), rows.end, columns.end});
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
  const ValueId chosen = masked(square, [](int64_t i, int64_t j) { return i == j; }, 0);
  return reduce(ops::kSum, chosen, {1});
}

ValueId MatrixKit::mirrored_lower(ValueId x) {
  const ValueId below = strictly_lower(x);
  return add(lower(x), transpose(below));
}

ValueId MatrixKit::join(const std::vector<ValueId>& parts, size_t axis) {
  std::vector<ValueId> present;
  for (const ValueId part : parts) {
    if (size(part, axis) != 0) present.push_back(part);
  }
  if (!present.empty()) return concat(present, axis);
  return parts.empty() ? ValueId() : parts.front();  // no parts: sizes of what was not written
}

ValueId MatrixKit::transpose(ValueId x) {
  if (num_rows(x) == 1 || num_columns(x) == 1) return turned(x);
  return permute(x, {0, 2, 1});
}

ValueId MatrixKit::turned(ValueId vector) {
  return reshape(vector, {batch(vector), num_columns(vector), num_rows(vector)});
}

ValueId MatrixKit::matmul(ValueId a, ValueId b) {
  return binary(ops::kMatmul, a, b);
}

ValueId MatrixKit::reduce(OpName op, ValueId x, Ints axes) {
  return CoreWriter::reduce(op, x, std::move(axes), true);
}

ValueId MatrixKit::argmax_rows(ValueId x) {
  return op(ops::kArgmax, {x}, {{attr::kAxis, Axis{1}}});
}

ValueId MatrixKit::pick_rows(ValueId x, const Ints& indices) {
  return gather(x, 1, {indices.begin(), indices.end()});
}

ValueId MatrixKit::zeros(ValueId like, int64_t rows, int64_t columns) {
  return constant(TensorData::filled(dtype(like), {batch(like), rows, columns}, 0), "zeros");
}

ValueId MatrixKit::identity(ValueId like, int64_t rows, int64_t columns) {
  std::vector<double> values(static_cast<size_t>(rows * columns), 0.0);
  for (int64_t i = 0; i < std::min(rows, columns); ++i)
    values[static_cast<size_t>(i * columns + i)] = 1;
  return matrix(type(like).dtype, {1, rows, columns}, values);
}

ValueId MatrixKit::matrix(DType dtype, Ints shape, const std::vector<double>& values) {
  return constant(dtype, std::move(shape), values, "matrix");
}

ValueId MatrixKit::flatten_batch(ValueId x) {
  const Ints shape = sizes(x);
  const Ints leading(shape.begin(), shape.end() - 2);
  return reshape(x, {product(leading), shape[shape.size() - 2], shape.back()});
}

ValueId MatrixKit::repeat(ValueId x, int64_t batch) {
  return expand(x, Ints{batch, num_rows(x), num_columns(x)});
}

}  // namespace ferryman
