#include "ops/linalg/matrix_jacobi.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "ops/names.h"

namespace ferryman {

namespace {

// Convergence is quadratic at the end; measured over random, symmetric, graded and rank-deficient
// matrices up to size 64, the values no longer change from this sweep on.
int num_sweeps(int64_t rows) {
  if (rows < 2) return 0;
  if (rows == 2) return 2;
  return 5 + static_cast<int>(std::bit_width(static_cast<uint64_t>(rows - 1)));
}

// Where the rows of one round come from for the next: row 0 stays and the others go round, which
// brings each pair (i, i + half) together once in 2 * half - 1 rounds.
Ints next_places(int64_t half) {
  Ints places = iota_axes(2 * half);
  if (half < 2) return places;
  const auto upper = places.begin() + half;
  places[1] = half;
  std::iota(places.begin() + 2, upper, 1);
  std::iota(upper, places.end() - 1, half + 1);
  places.back() = half - 1;
  return places;
}

// Rows in pairs (i, i + half).
class PairTurner {
 public:
  PairTurner(MatrixKit& kit, int64_t rows, int64_t measured)
      : kit_(&kit), half_(rows / 2), measured_(measured) {
    std::vector<double> bias(static_cast<size_t>(rows), kTiny);
    std::fill(bias.begin() + half_, bias.end(), -kTiny);
    bias_ = kit.matrix(DType::kF32, {1, rows, 1}, bias);
  }

  // Turns each pair so that its first `measured` columns become orthogonal. With g = 2 x.y and
  // d = |y|^2 - |x|^2 the smaller tangent is t = g / (d + sign(d) sqrt(d^2 + g^2)); x becomes
  // (x - t y) cos and y becomes (y + t x) cos. Seen from y, d and hence t have the other sign, so
  // that one formula serves both halves. Where d is 0 the bias lends it a sign.
  ValueId turn(ValueId x) {
    const ValueId partner = swap_halves(x);
    const ValueId seen = kit_->columns(x, 0, measured_);
    const ValueId seen_partner = kit_->columns(partner, 0, measured_);
    const ValueId squares = sum(kit_->square(seen));
    const ValueId g = kit_->mul(sum(kit_->mul(seen, seen_partner)), 2);
    const ValueId d = kit_->add(kit_->sub(swap_halves(squares), squares), bias_);
    const ValueId root = kit_->unary(ops::kSqrt, kit_->add(kit_->square(d), kit_->square(g)));
    const ValueId tangent = kit_->div(g, kit_->add(d, kit_->mul(sign(d), root)));
    const ValueId secant_square = kit_->binary(ops::kAdd, kit_->square(tangent), 1.0);
    const ValueId turned = kit_->sub(x, kit_->mul(partner, tangent));
    return kit_->mul(turned, kit_->unary(ops::kRsqrt, secant_square));
  }

 private:
  // Rows are scaled to at most 1, beside which this is nothing.
  static constexpr double kTiny = 1e-30;

  ValueId sum(ValueId x) { return kit_->reduce(ops::kSum, x, {2}); }
  ValueId swap_halves(ValueId x) {
    return kit_->above({kit_->rows(x, half_, 2 * half_), kit_->rows(x, 0, half_)});
  }
  // Of numbers that are at least kTiny in size; SIGN is no delegate's op.
  ValueId sign(ValueId x) {
    const ValueId large = kit_->mul(x, 1e32);
    return kit_->binary(ops::kMinimum, kit_->binary(ops::kMaximum, large, -1.0), 1.0);
  }

  MatrixKit* kit_;
  int64_t half_, measured_;
  ValueId bias_;
};

// The rows turned until their first `measured` columns are orthogonal.
ValueId turn_rows(MatrixKit& kit, ValueId x, int64_t measured) {
  const int64_t rows = kit.num_rows(x);
  if (rows < 2 || measured == 0) return x;
  const int64_t even = rows + rows % 2;
  x = kit.above({x, kit.zeros(x, even - rows, kit.num_columns(x))});
  PairTurner turner(kit, even, measured);
  const Ints places = next_places(even / 2);
  for (int sweep = 0; sweep < num_sweeps(rows); ++sweep) {
    for (int64_t round = 0; round < even - 1; ++round) x = kit.pick_rows(turner.turn(x), places);
  }
  // After whole sweeps each row is where it began: the row of zeros is the last.
  return kit.rows(x, 0, rows);
}

// [B, 1, 1], the largest size of a number, 1 where all are 0.
ValueId safe_peak(MatrixKit& kit, ValueId a) {
  const ValueId peak = kit.reduce(ops::kAmax, kit.abs(a), {1, 2});
  return kit.where(kit.binary(ops::kEq, peak, 0.0), 1.0, peak);
}

ValueId row_lengths(MatrixKit& kit, ValueId x) {
  return kit.sqrt(kit.reduce(ops::kSum, kit.square(x), {2}));
}

// A column [B, k, 1] as a row in order: `comes_before` is kGt or kLt. Each number's place is the
// count of those before it, equal ones in the order that they have.
ValueId sorted(MatrixKit& kit, ValueId column, OpName comes_before) {
  const int64_t count = kit.num_rows(column);
  if (count < 2) return kit.turned(column);
  const ValueId row = kit.turned(column);
  const ValueId equal = kit.binary(ops::kEq, row, column);
  const ValueId earlier = kit.masked(equal, [](int64_t i, int64_t j) { return j < i; }, 0);
  const ValueId before =
      kit.binary(ops::kLogicalOr, kit.binary(comes_before, row, column), earlier);
  const ValueId place = kit.reduce(ops::kSum, kit.cast(before, DType::kF32), {2});
  std::vector<double> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0.0);
  const ValueId places = kit.matrix(DType::kF32, {1, 1, count}, numbers);
  return kit.reduce(ops::kSum, kit.where(kit.binary(ops::kEq, place, places), column, 0.0), {1});
}

}  // namespace

ValueId singular_values(MatrixKit& kit, ValueId a) {
  if (kit.num_rows(a) > kit.num_columns(a)) a = kit.transpose(a);
  if (kit.num_rows(a) == 0) return kit.zeros(a, 1, 0);
  const ValueId peak = safe_peak(kit, a);
  const ValueId turned = turn_rows(kit, kit.div(a, peak), kit.num_columns(a));
  return sorted(kit, kit.mul(row_lengths(kit, turned), peak), ops::kGt);
}

// Shifted by a bound of their size, eigenvalues are positive and hence singular values.
ValueId symmetric_eigenvalues(MatrixKit& kit, ValueId a) {
  const int64_t size = kit.num_rows(a);
  if (size == 0) return kit.zeros(a, 1, 0);
  const ValueId bound = kit.reduce(ops::kAmax, kit.reduce(ops::kSum, kit.abs(a), {2}), {1});
  const ValueId scale = kit.where(kit.binary(ops::kEq, bound, 0.0), 1.0, bound);
  const ValueId shifted = kit.add(kit.div(a, scale), kit.identity(a, size, size));
  const ValueId lengths = row_lengths(kit, turn_rows(kit, shifted, size));
  return sorted(kit, kit.mul(kit.binary(ops::kSub, lengths, 1.0), scale), ops::kLt);
}

OrthogonalRows orthogonalise_rows(MatrixKit& kit, ValueId a) {
  const int64_t rows = kit.num_rows(a);
  const int64_t columns = kit.num_columns(a);
  const ValueId peak = safe_peak(kit, a);
  const ValueId one = kit.repeat(kit.identity(a, rows, rows), kit.batch(a));
  const ValueId turned = turn_rows(kit, kit.beside({kit.div(a, peak), one}), columns);
  const ValueId image = kit.mul(kit.columns(turned, 0, columns), peak);
  return {image, kit.columns(turned, columns, columns + rows), row_lengths(kit, image)};
}

}  // namespace ferryman
