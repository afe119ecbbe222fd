#include "ops/linalg/matrix_factor.h"

#include <algorithm>
#include <numeric>

#include "ops/names.h"

namespace ferryman {

namespace {

ValueId is_zero(MatrixKit& kit, ValueId x) {
  return kit.binary(ops::kEq, x, 0.0);
}

}  // namespace

ValueId counting_column(MatrixKit& kit, DType dtype, int64_t first, int64_t count) {
  std::vector<double> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), static_cast<double>(first));
  return kit.matrix(dtype, {1, count, 1}, values);
}

// ---- triangular systems ----

// One unknown after the other; the column of t that belongs to it is taken off the right side.
ValueId solve_triangular(MatrixKit& kit, ValueId t, ValueId b, TriangleForm form) {
  const int64_t size = kit.num_rows(b);
  if (size == 0) return b;
  const bool downwards = form.triangle == Triangle::kLower;
  std::vector<ValueId> unknowns;
  ValueId rest = b;
  for (int64_t step = 0; step < size; ++step) {
    const int64_t k = downwards ? step : size - 1 - step;
    const int64_t left = size - 1 - step;
    ValueId unknown = kit.row(rest, downwards ? 0 : left);
    if (form.diagonal == Diagonal::kRead) unknown = kit.div(unknown, kit.at(t, k, k));
    unknowns.push_back(unknown);
    if (left == 0) break;
    const ValueId factors =
        downwards ? kit.block(t, {k + 1, size}, {k, k + 1}) : kit.block(t, {0, k}, {k, k + 1});
    rest = downwards ? kit.rows(rest, 1, left + 1) : kit.rows(rest, 0, left);
    rest = kit.sub(rest, kit.mul(factors, unknown));
  }
  if (!downwards) std::reverse(unknowns.begin(), unknowns.end());
  return kit.above(unknowns);
}

// ---- LU ----

namespace {

// The matrix and what is carried beside it, from row k on.
struct LuState {
  ValueId tail;
  int64_t columns;  // of the matrix
  Carry carry;
};

struct PivotRow {
  ValueId row, rest, offset;
};

// Brings the row with the largest number in column k to the top.
PivotRow choose_pivot(MatrixKit& kit, ValueId tail, int64_t k) {
  const int64_t count = kit.num_rows(tail);
  if (count == 1) {
    const ValueId none = kit.matrix(DType::kI64, {kit.batch(tail), 1, 1},
                                    std::vector<double>(static_cast<size_t>(kit.batch(tail))));
    return {tail, ValueId(), none};
  }
  const ValueId offset = kit.argmax_rows(kit.abs(kit.column(tail, k)));
  const ValueId is_chosen =
      kit.binary(ops::kEq, offset, counting_column(kit, DType::kI64, 0, count));
  const ValueId chosen = kit.reduce(ops::kSum, kit.where(is_chosen, tail, 0.0), {1});
  return {chosen, kit.rows(kit.where(is_chosen, kit.row(tail, 0), tail), 1, count), offset};
}

// The rows below the pivot row: factors in column k, the multiples taken off to the right of it.
ValueId eliminate(MatrixKit& kit, const LuState& state, const PivotRow& pivot, int64_t k) {
  const ValueId divisor = kit.column(pivot.row, k);
  const ValueId safe = kit.where(is_zero(kit, divisor), 1.0, divisor);
  const ValueId factors = kit.div(kit.column(pivot.rest, k), safe);
  const bool carries = state.carry == Carry::kEliminate;
  const auto is_reduced = [&](int64_t, int64_t j) {
    return j > k && (j < state.columns || carries);
  };
  const ValueId multiple = kit.mul(factors, kit.masked(pivot.row, is_reduced, 0));
  const ValueId reduced = kit.sub(pivot.rest, multiple);
  return kit.masked(reduced, [k](int64_t, int64_t j) { return j != k; }, factors);
}

}  // namespace

Lu factor_lu(MatrixKit& kit, ValueId a, Carried carried) {
  const int64_t rows = kit.num_rows(a);
  const int64_t columns = kit.num_columns(a);
  const bool carries = carried.matrix.valid();
  LuState state = {carries ? kit.beside({a, carried.matrix}) : a, columns, carried.how};
  std::vector<ValueId> done;
  std::vector<ValueId> offsets;
  for (int64_t k = 0; k < std::min(rows, columns); ++k) {
    const PivotRow pivot = choose_pivot(kit, state.tail, k);
    done.push_back(pivot.row);
    offsets.push_back(pivot.offset);
    state.tail = pivot.rest.valid() ? eliminate(kit, state, pivot, k) : ValueId();
  }
  if (state.tail.valid()) done.push_back(state.tail);
  const ValueId all = kit.above(done);
  return {kit.columns(all, 0, columns),
          carries ? kit.columns(all, columns, kit.num_columns(all)) : ValueId(),
          offsets.empty() ? ValueId() : kit.beside(offsets)};
}

ValueId failed_pivot(MatrixKit& kit, const Lu& lu) {
  if (!lu.pivots.valid()) return kit.cast(kit.zeros(lu.packed, 1, 1), DType::kI32);
  return kit.cast(first_flagged(kit, is_zero(kit, kit.diagonal(lu.packed))), DType::kI32);
}

ValueId swap_rows(MatrixKit& kit, ValueId b, ValueId pivots, SwapOrder order) {
  const int64_t count = kit.num_rows(b);
  const int64_t steps = kit.num_rows(pivots);
  const ValueId numbers = counting_column(kit, DType::kI32, 1, count);
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t k = order == SwapOrder::kForward ? step : steps - 1 - step;
    const ValueId is_other = kit.binary(ops::kEq, kit.row(pivots, k), numbers);
    const ValueId other = kit.reduce(ops::kSum, kit.where(is_other, b, 0.0), {1});
    const ValueId moved = kit.where(is_other, kit.row(b, k), b);
    b = kit.masked(moved, [k](int64_t i, int64_t) { return i != k; }, other);
  }
  return b;
}

// The largest of count, count - 1, … at the flags says which is first.
ValueId first_flagged(MatrixKit& kit, ValueId flags) {
  const int64_t count = kit.num_columns(flags);
  std::vector<double> left(static_cast<size_t>(count));
  std::iota(left.rbegin(), left.rend(), 1.0);
  const ValueId weights = kit.matrix(DType::kF32, {1, 1, count}, left);
  const ValueId score = kit.reduce(ops::kAmax, kit.where(flags, weights, 0.0), {2});
  const ValueId end = kit.scalar(score, static_cast<double>(count + 1));
  return kit.where(is_zero(kit, score), 0.0, kit.sub(end, score));
}

// ---- Cholesky ----

// The outer product of each column is taken off what remains to the right of it and below.
Cholesky factor_cholesky(MatrixKit& kit, ValueId a) {
  const int64_t size = kit.num_rows(a);
  if (size == 0) return {a, ValueId()};
  std::vector<ValueId> columns;
  std::vector<ValueId> pivots;
  ValueId tail = a;
  for (int64_t k = 0; k < size; ++k) {
    const int64_t left = size - k;
    const ValueId pivot = kit.at(tail, 0, 0);
    const ValueId root = kit.sqrt(pivot);
    pivots.push_back(pivot);
    if (left == 1) {
      columns.push_back(kit.above({kit.zeros(a, k, 1), root}));
      break;
    }
    const ValueId below = kit.div(kit.block(tail, {1, left}, {0, 1}), root);
    columns.push_back(kit.above({kit.zeros(a, k, 1), root, below}));
    tail = kit.sub(kit.block(tail, {1, left}, {1, left}), kit.mul(below, kit.turned(below)));
  }
  return {kit.beside(columns), kit.beside(pivots)};
}

// ---- QR ----

namespace {

struct Reflector {
  ValueId vector;  // [B, rows, 1], its first number is 1
  ValueId tau;
  ValueId image;  // what the column's first number becomes; the others become 0
};

bool is_below_first(int64_t row, int64_t) {
  return row > 0;
}

// A column that is zero below its first number is left alone (tau = 0). Lengths are taken of the
// column divided by its largest number, so that no square over- or underflows.
Reflector make_reflector(MatrixKit& kit, ValueId column) {
  const int64_t count = kit.num_rows(column);
  const ValueId first = kit.row(column, 0);
  const ValueId sizes = kit.abs(column);
  const ValueId peak = kit.reduce(ops::kAmax, kit.rows(sizes, 1, count), {1});
  const ValueId is_done = is_zero(kit, peak);
  const ValueId scale = kit.where(is_done, 1.0, kit.binary(ops::kMaximum, peak, kit.row(sizes, 0)));
  const ValueId squares = kit.square(kit.div(column, scale));
  const ValueId length = kit.mul(kit.sqrt(kit.reduce(ops::kSum, squares, {1})), scale);
  const ValueId is_negative = kit.binary(ops::kLt, first, 0.0);
  const ValueId image = kit.where(is_negative, length, kit.neg(length));
  const ValueId difference = kit.sub(first, image);
  const ValueId divisor = kit.where(is_done, 1.0, difference);
  const ValueId ratio = kit.div(kit.neg(difference), kit.where(is_done, 1.0, image));
  return {kit.masked(kit.div(column, divisor), is_below_first, 1), kit.where(is_done, 0.0, ratio),
          kit.where(is_done, first, image)};
}

// c - tau v (v^T c)
ValueId reflect(MatrixKit& kit, ValueId vector, ValueId tau, ValueId c) {
  const ValueId along = kit.matmul(kit.turned(vector), c);
  return kit.sub(c, kit.mul(vector, kit.mul(tau, along)));
}

}  // namespace

Reflectors factor_qr(MatrixKit& kit, ValueId a) {
  const int64_t rows = kit.num_rows(a);
  std::vector<ValueId> columns;
  std::vector<ValueId> taus;
  ValueId tail = a;  // the columns from k on
  for (int64_t k = 0; k < std::min(rows - 1, kit.num_columns(a)); ++k) {
    const ValueId column = kit.column(tail, 0);
    const Reflector reflector = make_reflector(kit, kit.rows(column, k, rows));
    taus.push_back(reflector.tau);
    const ValueId vector = kit.rows(reflector.vector, 1, rows - k);
    columns.push_back(kit.above({kit.rows(column, 0, k), reflector.image, vector}));
    const int64_t left = kit.num_columns(tail);
    tail = left == 1 ? ValueId() : kit.columns(tail, 1, left);
    if (!tail.valid()) break;
    const ValueId below = kit.rows(tail, k, rows);
    const ValueId reflected = reflect(kit, reflector.vector, reflector.tau, below);
    tail = kit.above({kit.rows(tail, 0, k), reflected});
  }
  if (tail.valid()) columns.push_back(tail);
  // The last row of a square or wide matrix has nothing below it to reflect.
  if (rows > 0 && kit.num_columns(a) >= rows) taus.push_back(kit.zeros(a, 1, 1));
  return {kit.beside(columns), taus.empty() ? ValueId() : kit.above(taus)};
}

ValueId apply_reflectors(MatrixKit& kit, const Reflectors& reflectors, ValueId c, Reflection how) {
  if (!reflectors.taus.valid()) return c;
  const int64_t rows = kit.num_rows(reflectors.packed);
  const int64_t steps = kit.num_rows(reflectors.taus);
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t k = how == Reflection::kTransposed ? step : steps - 1 - step;
    const ValueId below = kit.block(reflectors.packed, {k, rows}, {k, k + 1});
    const ValueId vector = kit.masked(below, is_below_first, 1);
    const ValueId tau = kit.row(reflectors.taus, k);
    const ValueId reflected = reflect(kit, vector, tau, kit.rows(c, k, rows));
    c = kit.above({kit.rows(c, 0, k), reflected});
  }
  return c;
}

}  // namespace ferryman
