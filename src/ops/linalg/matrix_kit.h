// The steps that factorisations of small matrices consist of, each a core op or two. All values are
// batches of matrices [B, rows, columns]; a column is [B, rows, 1], a number per matrix [B, 1, 1].
//
//   MatrixKit kit(call.writer());
//   const ValueId pivot = kit.at(a, 0, 0);
//   const ValueId below = kit.div(kit.block(a, {1, rows}, {0, 1}), pivot);
//   a = kit.sub(kit.rows(a, 1, rows), kit.mul(below, kit.row(a, 0)));    // a rank-1 update
//
// Invariants: operands are matrices of one floating dtype, whose sizes the caller has checked.
#pragma once

#include <span>
#include <vector>

#include "ops/core_writer.h"

namespace ferryman {

// Half open.
struct Range {
  int64_t begin, end;
};

class MatrixKit : public CoreWriter {
 public:
  explicit MatrixKit(CoreWriter writer) : CoreWriter(writer) {}

  int64_t batch(ValueId x) const { return size(x, 0); }
  int64_t num_rows(ValueId x) const { return size(x, 1); }
  int64_t num_columns(ValueId x) const { return size(x, 2); }

  // Parts; one without elements is a constant, which no op computes.
  ValueId block(ValueId x, Range rows, Range columns);
  ValueId rows(ValueId x, int64_t begin, int64_t end);
  ValueId columns(ValueId x, int64_t begin, int64_t end);
  ValueId row(ValueId x, int64_t index) { return rows(x, index, index + 1); }
  ValueId column(ValueId x, int64_t index) { return columns(x, index, index + 1); }
  ValueId at(ValueId x, int64_t row, int64_t column);
  // [B, 1, n], the diagonal as a row.
  ValueId diagonal(ValueId x);
  // x where keeps(row, column), else `other`.
  template <typename Keeps, typename Other>
  ValueId masked(ValueId x, Keeps keeps, Other other);
  ValueId lower(ValueId x) {
    return masked(x, [](int64_t i, int64_t j) { return i >= j; }, 0);
  }
  ValueId strictly_lower(ValueId x) {
    return masked(x, [](int64_t i, int64_t j) { return i > j; }, 0);
  }
  ValueId upper(ValueId x) {
    return masked(x, [](int64_t i, int64_t j) { return i <= j; }, 0);
  }
  // Whole from one triangle: the diagonal and what lies below it.
  ValueId mirrored_lower(ValueId x);

  // Together; parts without rows (columns) are left out.
  ValueId beside(const std::vector<ValueId>& parts) { return join(parts, 2); }
  ValueId above(const std::vector<ValueId>& parts) { return join(parts, 1); }
  ValueId transpose(ValueId x);
  // A column as a row or a row as a column.
  ValueId turned(ValueId vector);
  ValueId matmul(ValueId a, ValueId b);
  // Over the rows (axis 1) or the columns (axis 2) or both, which become 1.
  ValueId reduce(OpName op, ValueId x, Ints axes);
  // [B, 1, columns] i64, the row of the largest number of each column, the first of equals.
  ValueId argmax_rows(ValueId x);
  // Rows in another order or chosen repeatedly.
  ValueId pick_rows(ValueId x, const Ints& indices);

  // Constants, for all matrices of the batch.
  ValueId zeros(ValueId like, int64_t rows, int64_t columns);
  // [1, rows, columns]
  ValueId identity(ValueId like, int64_t rows, int64_t columns);
  ValueId matrix(DType dtype, Ints shape, const std::vector<double>& values);

  // [n, n] or with other leading axes -> [B, n, n], B being 1 without them.
  ValueId flatten_batch(ValueId x);
  // [1, …] repeated for each matrix of the batch.
  ValueId repeat(ValueId x, int64_t batch);

 private:
  ValueId join(const std::vector<ValueId>& parts, size_t axis);
};

template <typename Keeps, typename Other>
ValueId MatrixKit::masked(ValueId x, Keeps keeps, Other other) {
  std::vector<double> mask;
  for (int64_t i = 0; i < num_rows(x); ++i) {
    for (int64_t j = 0; j < num_columns(x); ++j) mask.push_back(keeps(i, j) ? 1 : 0);
  }
  return where(matrix(DType::kBool, {1, num_rows(x), num_columns(x)}, mask), x, other);
}

}  // namespace ferryman
