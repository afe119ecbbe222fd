// Matrix products.
#include <algorithm>

#include "support/check.h"
#include "targets/tflite/lower/forms.h"
#include "targets/tflite/lower/lower_families.h"

namespace ferryman::tflite {

namespace {

// The kernels' range of ranks, built-in and XNNPACK.
constexpr size_t kMaxLinearRank = 4;

bool ends_alike(const Shape& a, const Shape& b, size_t count) {
  return a.size() >= count && b.size() >= count &&
         std::equal(a.end() - static_cast<ptrdiff_t>(count), a.end(),
                    b.end() - static_cast<ptrdiff_t>(count));
}

// [begin of a .., last two of b]
Shape with_matrix_of(const Shape& batch, const Shape& matrix) {
  Shape shape(batch.begin(), batch.end() - 2);
  shape.insert(shape.end(), matrix.end() - 2, matrix.end());
  return shape;
}

// A shape in which one operand lies already serves both, unless one is broadcast.
Shape matmul_shape(const LowerOp& op) {
  const Shape a = op.operand_shape(0);
  const Shape b = op.operand_shape(1);
  if (a.size() != b.size() || !std::equal(a.begin(), a.end() - 2, b.begin())) return a;
  for (const size_t index : {size_t{0}, size_t{1}}) {
    const Shape lying = op.lying_shape(index);
    const bool fits = lying.size() >= 3 && lying.size() <= kMaxMatmulRank &&
                      ends_alike(lying, index == 0 ? a : b, 2);
    if (fits) return with_matrix_of(lying, a);
  }
  return a;
}

// W [n, k] times x [.., k, rows], and the bias for each n.
void lower_linear_from_left(LowerOp& op) {
  const Dim k = op.type(0).dims.back();
  const Dim n = op.result_type().dims.back();
  Shape x = op.operand_shape(0);
  if (op.form() == kFromLeftOfAll)
    x = {k, op.symbols().floordiv(op.symbols().product(op.type(0).dims), k)};
  const auto with_matrix = [&](Shape shape, Dim rows, Dim columns) {
    shape[shape.size() - 2] = rows;
    shape[shape.size() - 1] = columns;
    return shape;
  };
  const Shape ones(x.size(), 1);
  const Shape result = with_matrix(x, n, x.back());
  std::vector<TensorIndex> inputs = {op.operand(1, with_matrix(ones, n, k)), op.operand(0, x)};
  if (!op.has(2)) {
    return op.finish_in_shape(Op::kBatchMatmul, std::move(inputs), result, BatchMatMulOptions{});
  }
  const TensorIndex product = op.emit(Op::kBatchMatmul, std::move(inputs), op.result_type().dtype,
                                      result, BatchMatMulOptions{});
  op.finish_in_shape(Op::kAdd, {product, op.operand(2, with_matrix(ones, n, 1))}, result,
                     AddOptions{});
}

}  // namespace

// The rows may lie in any shape.
void lower_linear(LowerOp& op) {
  if (op.form() != 0) return lower_linear_from_left(op);
  Shape shape = op.operand_shape(0);
  const Shape lying = op.lying_shape(0);
  if (lying.size() <= kMaxLinearRank && ends_alike(lying, shape, 1)) shape = lying;
  if (shape.size() > kMaxDelegatedRank) shape = as_rows(op.symbols(), shape);
  std::vector<TensorIndex> inputs = {op.operand(0, shape), op.operand(1)};
  inputs.push_back(op.has(2) ? op.vector_operand(2) : kAbsent);
  const bool keep = shape.size() != 2;
  shape.back() = op.result_shape().back();
  op.finish_in_shape(Op::kFullyConnected, std::move(inputs), shape,
                     FullyConnectedOptions{.keep_num_dims = keep});
}

void lower_matmul(LowerOp& op) {
  const Shape planned = op.operand_shape(0);
  const Shape a = matmul_shape(op);
  const BatchMatMulOptions options = {.adj_x = (op.form() & kAdjointX) != 0,
                                      .adj_y = (op.form() & kAdjointY) != 0};
  if (a == planned) return op.finish(Op::kBatchMatmul, {op.operand(0), op.operand(1)}, options);
  op.finish_in_shape(Op::kBatchMatmul,
                     {op.operand(0, a), op.operand(1, with_matrix_of(a, op.operand_shape(1)))},
                     with_matrix_of(a, op.result_shape()), options);
}

}  // namespace ferryman::tflite
