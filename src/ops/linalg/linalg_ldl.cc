// L D L^T factors of symmetric matrices with the pivots of Bunch and Kaufman, as LAPACK chooses and
// stores them (sytf2, lower). Whether a block of D has one row or two is known at run time only: a
// step computes both, and the step after a block of two takes its second column.
#include <algorithm>
#include <cmath>

#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_factor.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// [1, count, 1] bool, true at one row.
ValueId one_row(MatrixKit& kit, int64_t count, int64_t row) {
  std::vector<double> flags(static_cast<size_t>(count));
  flags[static_cast<size_t>(row)] = 1;
  return kit.matrix(DType::kBool, {1, count, 1}, flags);
}

ValueId either(MatrixKit& kit, ValueId a, ValueId b) {
  return kit.binary(ops::kLogicalOr, a, b);
}
ValueId both(MatrixKit& kit, ValueId a, ValueId b) {
  return kit.binary(ops::kLogicalAnd, a, b);
}
ValueId negated(MatrixKit& kit, ValueId a) {
  return kit.unary(ops::kLogicalNot, a);
}
// Between bools, for which `where` would need a kernel of its own.
ValueId choose(MatrixKit& kit, ValueId condition, ValueId yes, ValueId no) {
  return either(kit, both(kit, condition, yes), both(kit, negated(kit, condition), no));
}

// [B, 1, columns]: the row at which the flags [B, rows, 1] are set.
ValueId flagged_row(MatrixKit& kit, ValueId x, ValueId flags) {
  return kit.reduce(ops::kSum, kit.where(flags, x, 0.0), {1});
}

// x with two rows in each other's place, each named by flags.
ValueId exchange_rows(MatrixKit& kit, ValueId x, ValueId one, ValueId other) {
  const ValueId first = flagged_row(kit, x, one);
  const ValueId second = flagged_row(kit, x, other);
  return kit.where(one, second, kit.where(other, first, x));
}

// ---- the factors ----

struct Pivot {
  ValueId is_pair;  // the block of D has two rows
  ValueId place;    // [B, 1, 1], the row that is swapped up, counted from the top of the tail
  ValueId swapped;  // the tail with the pivot at its top
  ValueId is_zero;  // the whole column is
};

// sytf2 prefers, in this order: the number on the diagonal if it is not too small against its
// column, or against the row of the column's largest; that row's own; the two of them together.
Pivot choose_pivot(MatrixKit& kit, ValueId tail) {
  const double alpha = (1 + std::sqrt(17.0)) / 8;
  const int64_t count = kit.num_rows(tail);
  const ValueId sizes = kit.abs(kit.column(tail, 0));
  const ValueId top = kit.row(sizes, 0);
  const ValueId below = kit.rows(sizes, 1, count);
  const ValueId column_peak = kit.reduce(ops::kAmax, below, {1});
  const ValueId place = kit.binary(ops::kAdd, kit.cast(kit.argmax_rows(below), DType::kF32), 1.0);
  const ValueId at_place = kit.binary(ops::kEq, place, counting_column(kit, DType::kF32, 0, count));
  const ValueId row = kit.abs(kit.turned(flagged_row(kit, tail, at_place)));
  const ValueId diagonal = flagged_row(kit, row, at_place);
  const ValueId row_peak = kit.reduce(ops::kAmax, kit.where(at_place, 0.0, row), {1});
  const ValueId bound = kit.mul(column_peak, alpha);
  const ValueId stays =
      either(kit, kit.binary(ops::kGe, top, bound),
             kit.binary(ops::kGe, kit.mul(top, row_peak), kit.mul(bound, column_peak)));
  const ValueId single = kit.binary(ops::kGe, diagonal, kit.mul(row_peak, alpha));
  const ValueId is_pair = negated(kit, either(kit, stays, single));
  const ValueId up = choose(kit, is_pair, one_row(kit, count, 1), one_row(kit, count, 0));
  const ValueId from = choose(kit, stays, one_row(kit, count, 0), at_place);
  const ValueId half = exchange_rows(kit, tail, up, from);
  const ValueId largest = kit.binary(ops::kMaximum, top, column_peak);
  return {is_pair, kit.where(stays, 0.0, place), exchange_rows(kit, kit.transpose(half), up, from),
          kit.binary(ops::kEq, largest, 0.0)};
}

struct LdlStep {
  ValueId column;  // [B, rows, 1], of D and L
  ValueId next;    // [B, rows - 1, 1], the column after it if the block has two
  ValueId tail;    // what remains to be factored, without this row and column
};

LdlStep eliminate(MatrixKit& kit, const Pivot& pivot) {
  const ValueId a = pivot.swapped;
  const int64_t count = kit.num_rows(a);
  const ValueId d00 = kit.at(a, 0, 0);
  const ValueId d10 = kit.at(a, 1, 0);
  const ValueId d11 = kit.at(a, 1, 1);
  const ValueId first = kit.block(a, {1, count}, {0, 1});
  const ValueId second = kit.block(a, {1, count}, {1, 2});
  // A block of two, divided by its off-diagonal number as LAPACK does.
  const ValueId scale = kit.where(pivot.is_pair, d10, 1.0);
  const ValueId p = kit.div(d11, scale);
  const ValueId q = kit.div(d00, scale);
  const ValueId safe = kit.where(pivot.is_pair, kit.binary(ops::kSub, kit.mul(p, q), 1.0), 1.0);
  const ValueId factor = kit.div(kit.unary(ops::kReciprocal, safe), scale);
  const ValueId pair_first = kit.mul(factor, kit.sub(kit.mul(p, first), second));
  const ValueId pair_second = kit.mul(factor, kit.sub(kit.mul(q, second), first));
  // A block of one; a column of zeros has nothing to divide.
  const ValueId divisor = kit.where(kit.binary(ops::kEq, d00, 0.0), 1.0, d00);
  const ValueId single = kit.mul(first, kit.unary(ops::kReciprocal, divisor));
  const ValueId left = kit.where(pivot.is_pair, pair_first, single);
  const ValueId right = kit.where(pivot.is_pair, pair_second, 0.0);
  const ValueId taken =
      kit.add(kit.mul(first, kit.turned(left)), kit.mul(second, kit.turned(right)));
  const ValueId below = kit.where(
      pivot.is_pair, kit.masked(pair_first, [](int64_t i, int64_t) { return i > 0; }, d10), single);
  return {kit.above({d00, below}), kit.above({d11, kit.rows(pair_second, 1, count - 1)}),
          kit.sub(kit.block(a, {1, count}, {1, count}), taken)};
}

// One row and column of the tail factored, with its pivot as LAPACK writes it.
struct FactoredRow {
  Pivot pivot;
  LdlStep step;
  ValueId number;  // [B, 1, 1] f32
};

FactoredRow factor_row(MatrixKit& kit, ValueId tail, int64_t k) {
  const auto own = static_cast<double>(k + 1);
  if (kit.num_rows(tail) == 1) {
    const ValueId is_zero = kit.binary(ops::kEq, tail, 0.0);
    const ValueId never = both(kit, is_zero, negated(kit, is_zero));
    const ValueId number = kit.binary(ops::kAdd, kit.zeros(tail, 1, 1), own);
    return {{never, ValueId(), tail, is_zero}, {tail, ValueId(), ValueId()}, number};
  }
  const Pivot pivot = choose_pivot(kit, tail);
  const ValueId number = kit.binary(ops::kAdd, pivot.place, own);
  const ValueId marked = kit.where(pivot.is_pair, kit.neg(number), number);
  return {pivot, eliminate(kit, pivot), marked};
}

struct Ldl {
  ValueId packed;
  ValueId pivots;   // [B, 1, n] f32
  ValueId is_zero;  // [B, 1, n]
};

Ldl factor_ldl(MatrixKit& kit, ValueId a) {
  std::vector<ValueId> columns;
  std::vector<ValueId> pivots;
  std::vector<ValueId> zeros;
  ValueId tail = a;
  FactoredRow before;
  for (int64_t k = 0; k < kit.num_rows(a); ++k) {
    FactoredRow row = factor_row(kit, tail, k);
    const int64_t count = kit.num_rows(tail);
    if (k > 0) {  // the second row of a block of two was factored with the first
      const ValueId is_second = before.pivot.is_pair;
      row.step.column = kit.where(is_second, before.step.next, row.step.column);
      row.number = kit.where(is_second, before.number, row.number);
      row.pivot.is_pair = both(kit, row.pivot.is_pair, negated(kit, is_second));
      row.pivot.is_zero = both(kit, row.pivot.is_zero, negated(kit, is_second));
      if (count > 1)
        row.step.tail =
            kit.where(is_second, kit.block(tail, {1, count}, {1, count}), row.step.tail);
    }
    columns.push_back(kit.above({kit.zeros(a, k, 1), row.step.column}));
    pivots.push_back(row.number);
    zeros.push_back(row.pivot.is_zero);
    tail = row.step.tail;
    before = row;
  }
  return {kit.beside(columns), kit.beside(pivots), kit.beside(zeros)};
}

Imported import_ldl_factor(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_square(call, "self"));
  for (const std::string_view name : {"hermitian", "check_errors"}) call.ignore(name);
  MatrixKit kit(call.writer());
  const ValueId none = kit.cast(kit.zeros(a.flat, 1, 1), DType::kI32);
  if (kit.num_rows(a.flat) == 0) {
    const ValueId no_pivots = kit.cast(kit.zeros(a.flat, 1, 0), DType::kI32);
    return std::vector{a.restored(kit, a.flat), a.restored_vectors(kit, no_pivots),
                       a.restored_numbers(kit, none)};
  }
  const Ldl ldl = factor_ldl(kit, kit.mirrored_lower(a.flat));
  const ValueId failed = kit.cast(first_flagged(kit, ldl.is_zero), DType::kI32);
  std::vector<ValueId> results = {a.restored(kit, ldl.packed),
                                  a.restored_vectors(kit, kit.cast(ldl.pivots, DType::kI32)),
                                  a.restored_numbers(kit, failed)};
  results.resize(call.num_results());
  return results;
}

// ---- systems ----

// What the pivots say of each row, as columns [B, 1, 1] by row.
struct Blocks {
  std::vector<ValueId> is_first, is_second;  // of a block of two
  std::vector<ValueId> number;               // the row (from 1) of the swap
};

Blocks read_blocks(MatrixKit& kit, ValueId pivots, int64_t size) {
  Blocks blocks;
  ValueId is_second = kit.matrix(DType::kBool, {1, 1, 1}, {0});
  for (int64_t k = 0; k < size; ++k) {
    const ValueId pivot = kit.row(pivots, k);
    const ValueId is_pair = kit.binary(ops::kLt, pivot, 0.0);
    blocks.is_second.push_back(kit.repeat(is_second, kit.batch(pivots)));
    blocks.is_first.push_back(both(kit, is_pair, negated(kit, is_second)));
    blocks.number.push_back(kit.abs(pivot));
    is_second = blocks.is_first.back();
  }
  return blocks;
}

class LdlSolver {
 public:
  LdlSolver(MatrixKit& kit, ValueId packed, ValueId pivots)
      : kit_(&kit),
        packed_(packed),
        size_(kit.num_rows(packed)),
        blocks_(read_blocks(kit, pivots, size_)) {}

  ValueId solve(ValueId b) {
    for (int64_t k = 0; k < size_; ++k) {
      b = swap(b, k);
      b = kit_->sub(b, kit_->mul(factors(k), kit_->row(b, k)));
    }
    b = solve_blocks(b);
    for (int64_t k = size_ - 1; k >= 0; --k) {
      const ValueId taken = kit_->reduce(ops::kSum, kit_->mul(factors(k), b), {1});
      const ValueId changed = kit_->sub(b, taken);
      b = kit_->where(one_row(*kit_, size_, k), changed, b);
      b = swap(b, k);
    }
    return b;
  }

 private:
  // The swap of row k, which a block of two does at its first step and with its second row.
  ValueId swap(ValueId b, int64_t k) {
    const auto i = static_cast<size_t>(k);
    const ValueId own = one_row(*kit_, size_, k);
    const ValueId next = one_row(*kit_, size_, std::min(k + 1, size_ - 1));
    const ValueId one = choose(*kit_, blocks_.is_first[i], next, own);
    const ValueId named =
        kit_->binary(ops::kEq, blocks_.number[i], counting_column(*kit_, DType::kF32, 1, size_));
    const ValueId other = choose(*kit_, blocks_.is_second[i], own, named);
    return exchange_rows(*kit_, b, one, other);
  }

  // Column k of L below its block of D.
  ValueId factors(int64_t k) {
    const ValueId below =
        kit_->masked(kit_->column(packed_, k), [k](int64_t i, int64_t) { return i > k; }, 0);
    if (k + 1 >= size_) return below;
    const ValueId in_block =
        both(*kit_, blocks_.is_first[static_cast<size_t>(k)], one_row(*kit_, size_, k + 1));
    return kit_->where(in_block, 0.0, below);
  }

  ValueId shifted_up(ValueId x) { return kit_->above({kit_->rows(x, 1, size_), kit_->row(x, 0)}); }
  ValueId shifted_down(ValueId x) {
    return kit_->above({kit_->row(x, size_ - 1), kit_->rows(x, 0, size_ - 1)});
  }
  // Of the other row of a block of two.
  ValueId partner(ValueId is_first, ValueId of_second, ValueId of_first) {
    return kit_->where(is_first, of_second, of_first);
  }

  // With p, q the diagonal and x, y the right side of a block of two, all divided by its
  // off-diagonal number: (q x - y) / (p q - 1), and the same for the other row.
  ValueId solve_blocks(ValueId b) {
    const ValueId is_first = kit_->above(blocks_.is_first);
    const ValueId is_pair = either(*kit_, is_first, kit_->above(blocks_.is_second));
    const ValueId diagonal = kit_->turned(kit_->diagonal(packed_));
    if (size_ == 1) return kit_->div(b, diagonal);
    // Row k holds the number below the diagonal in column k.
    const ValueId raised =
        kit_->above({kit_->rows(packed_, 1, size_), kit_->zeros(packed_, 1, size_)});
    const ValueId off = kit_->turned(kit_->diagonal(raised));
    const ValueId beside = partner(is_first, off, shifted_down(off));
    const ValueId scale = kit_->where(is_pair, beside, 1.0);
    const ValueId p = kit_->div(diagonal, scale);
    const ValueId q =
        kit_->div(partner(is_first, shifted_up(diagonal), shifted_down(diagonal)), scale);
    const ValueId x = kit_->div(b, scale);
    const ValueId y = kit_->div(partner(is_first, shifted_up(b), shifted_down(b)), scale);
    const ValueId determinant = kit_->binary(ops::kSub, kit_->mul(p, q), 1.0);
    const ValueId safe = kit_->where(is_pair, determinant, 1.0);
    const ValueId pair = kit_->div(kit_->sub(kit_->mul(q, x), y), safe);
    return kit_->where(is_pair, pair, kit_->div(b, kit_->where(is_pair, 1.0, diagonal)));
  }

  MatrixKit* kit_;
  ValueId packed_;
  int64_t size_;
  Blocks blocks_;
};

Imported import_ldl_solve(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch packed, read_square(call, "LD"));
  FERRYMAN_TRY(const MatrixBatch right, read_matrices(call, "B"));
  FERRYMAN_TRY(const ValueId pivots, call.tensor("pivots"));
  call.ignore("hermitian");
  FERRYMAN_TRY(const auto sides, with_common_batch(call, packed, right));
  MatrixKit kit(call.writer());
  const ValueId ld = sides.first.flat;
  const int64_t size = kit.num_rows(ld);
  Ints shape = sides.first.batch;
  shape.push_back(size);
  const ValueId expanded = kit.expand(kit.cast(pivots, DType::kF32), shape);
  if (kit.num_rows(sides.second.flat) != size)
    return call.unsupported("a system and a right side of different sizes");
  if (size == 0 || kit.num_columns(sides.second.flat) == 0)
    return std::vector{sides.second.restored(kit, sides.second.flat)};
  LdlSolver solver(kit, ld, kit.reshape(expanded, {kit.batch(ld), size, 1}));
  return std::vector{sides.first.restored(kit, solver.solve(sides.second.flat))};
}

}  // namespace

void add_ldl_imports(ImportTable& imports) {
  imports.add({"linalg_ldl_factor.default", "linalg_ldl_factor_ex.default"}, import_ldl_factor);
  imports.add("linalg_ldl_solve.default", import_ldl_solve);
}

}  // namespace ferryman
