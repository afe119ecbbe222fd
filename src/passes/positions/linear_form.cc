#include "passes/positions/linear_form.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/reshape_groups.h"
#include "passes/integer_range.h"
#include "passes/match.h"

namespace ferryman {

namespace {

constexpr int64_t kMaxNumbers = 1 << 16;          // of a constant that is looked at one by one
constexpr int64_t kMaxNumber = int64_t{1} << 40;  // steps between larger ones may overflow

const SizeExpr kZero;

LinearForm uniform(SizeExpr number, size_t rank) {
  return {std::move(number), std::vector<SizeExpr>(rank)};
}

LinearForm sum(const LinearForm& a, const LinearForm& b, int64_t sign) {
  LinearForm result = a;
  result.offset = a.offset + b.offset * SizeExpr(sign);
  for (size_t axis = 0; axis < a.steps.size(); ++axis)
    result.steps[axis] = a.steps[axis] + b.steps[axis] * SizeExpr(sign);
  return result;
}

LinearForm product(const LinearForm& form, const SizeExpr& factor) {
  LinearForm result = form;
  result.offset = form.offset * factor;
  for (SizeExpr& step : result.steps) step = step * factor;
  return result;
}

// The step from one element to the next of axes read as one, if it is the same everywhere.
std::optional<SizeExpr> flat_step(SymbolTable& symbols, const LinearForm& form, const Dims& dims,
                                  size_t begin, size_t end) {
  std::optional<SizeExpr> flat;
  SizeExpr expected;
  for (size_t axis = end; axis > begin; --axis) {
    if (dims[axis - 1] == Dim(1)) continue;
    const SizeExpr& step = form.steps[axis - 1];
    if (flat.has_value() && step != expected) return std::nullopt;
    if (!flat.has_value()) flat = step;
    expected = step * symbols.of(dims[axis - 1]);
  }
  return flat.value_or(kZero);
}

std::optional<bool> known_bool(const std::optional<LinearForm>& form) {
  const std::optional<int64_t> number = form.has_value() ? form->number() : std::nullopt;
  return number.has_value() ? std::optional(*number != 0) : std::nullopt;
}

// Where numbers come from: an int32 holds every size. What only moves them has held them before.
bool counts(const Op& op) {
  return op.is(ops::kIota) || op.is(ops::kSymSize) || op.is(ops::kReshape) ||
         op.is(ops::kPermute) || op.is(ops::kExpand) || op.is(ops::kSlice);
}

}  // namespace

bool is_comparison(const Op& op) {
  constexpr std::array kNames = {ops::kEq, ops::kNe, ops::kLt, ops::kLe, ops::kGt, ops::kGe};
  return std::any_of(kNames.begin(), kNames.end(), [&](OpName name) { return op.is(name); });
}

bool LinearForm::is_uniform() const {
  return std::all_of(steps.begin(), steps.end(),
                     [](const SizeExpr& step) { return step == kZero; });
}

std::optional<int64_t> LinearForm::number() const {
  return is_uniform() ? offset.number() : std::nullopt;
}

LinearForm LinearForms::Compared::difference() const {
  return sum(left, right, -1);
}

std::optional<LinearForm> LinearForms::of(ValueId value) {
  const auto [known, is_new] = known_.try_emplace(value);
  if (!is_new) return known->second;
  Found found;
  try {
    found = compute(value);
  } catch (const SizeError&) {  // it outgrows what an expression holds
    found.reset();
  }
  return known_[value] = found;
}

LinearForms::Found LinearForms::compute(ValueId value) {
  const TensorType& type = graph_.type(value);
  if (!is_integer(type.dtype) && type.dtype != DType::kBool) return std::nullopt;
  if (is_known_constant(graph_, value)) return of_constant(graph_.constant(value));
  const OpId producer = graph_.producer(value);
  if (!producer.valid() || graph_.op(producer).results.size() != 1) return std::nullopt;
  Found found = of_operator(graph_.op(producer));
  if (!found.has_value()) return std::nullopt;
  for (size_t axis = 0; axis < type.rank(); ++axis)
    if (type.dims[axis] == Dim(1)) found->steps[axis] = kZero;
  return counts(graph_.op(producer)) || fits(*found, type) ? found : std::nullopt;
}

LinearForms::Found LinearForms::of_operator(const Op& op) {
  if (op.is(ops::kIota)) return LinearForm{kZero, {SizeExpr(1)}};
  if (op.is(ops::kSymSize)) return uniform(symbols().of(op.attr(attr::kShape).dims[0]), 0);
  if (op.is(ops::kCast)) return of_cast(op);
  if (op.is(ops::kAdd)) return of_sum(op, 1);
  if (op.is(ops::kSub)) return of_sum(op, -1);
  if (op.is(ops::kMul)) return of_product(op);
  if (op.is(ops::kReshape)) return of_reshape(op);
  if (op.is(ops::kPermute)) return of_permute(op);
  if (op.is(ops::kExpand)) return broadcast(op.operands[0], dims_of(op.result()));
  if (op.is(ops::kSlice)) return of_slice(op);
  if (op.is(ops::kConcat)) return of_concat(op);
  if (op.is(ops::kGather)) return of_gather(op);
  if (op.is(ops::kCumsum)) return of_cumsum(op);
  if (op.is(ops::kWhere)) return of_where(op);
  if (op.is(ops::kLogicalAnd) || op.is(ops::kLogicalOr) || op.is(ops::kLogicalNot))
    return of_logic(op);
  if (op.is(ops::kAny)) return of_any(op);
  return is_comparison(op) ? of_comparison(op) : std::nullopt;
}

// ---- one element after the other ----

LinearForms::Found LinearForms::of_constant(const TensorData& data) const {
  if (data.num_elems() == 0) return std::nullopt;
  for (size_t axis = 0; axis < data.shape().size(); ++axis)
    if (data.shape()[axis] != 1 && !data.is_broadcast_along(axis)) return of_numbers(data);
  const Ints ones(data.rank(), 1);
  return uniform(SizeExpr(data.sliced(Ints(data.rank(), 0), ones, ones).to_ints()[0]), data.rank());
}

// Those of arange(6), which are constants where the size is not free.
LinearForms::Found LinearForms::of_numbers(const TensorData& data) const {
  if (data.num_elems() > kMaxNumbers) return std::nullopt;
  const Ints numbers = data.to_ints();
  const auto is_large = [](int64_t n) { return n > kMaxNumber || n < -kMaxNumber; };
  if (std::ranges::any_of(numbers, is_large)) return std::nullopt;
  const Ints strides = row_major_strides(data.shape());
  LinearForm form = uniform(SizeExpr(numbers[0]), data.rank());
  Ints steps(data.rank(), 0);
  for (size_t axis = 0; axis < data.rank(); ++axis) {
    if (data.shape()[axis] == 1) continue;
    steps[axis] = numbers[static_cast<size_t>(strides[axis])] - numbers[0];
    form.steps[axis] = SizeExpr(steps[axis]);
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    int64_t expected = numbers[0];
    for (size_t axis = 0; axis < data.rank(); ++axis)
      expected += static_cast<int64_t>(i) / strides[axis] % data.shape()[axis] * steps[axis];
    if (numbers[i] != expected) return std::nullopt;
  }
  return form;
}

LinearForms::Found LinearForms::of_cast(const Op& op) {
  const DType from = graph_.type(op.operands[0]).dtype;
  const DType to = graph_.type(op.result()).dtype;
  Found form = of(op.operands[0]);
  if (to != DType::kBool || from == DType::kBool) return form;
  const std::optional<bool> truth = known_bool(form);
  if (!truth.has_value()) return std::nullopt;
  return uniform(SizeExpr(*truth ? 1 : 0), form->steps.size());
}

LinearForms::Found LinearForms::broadcast(ValueId value, const Dims& dims) {
  const Found form = of(value);
  if (!form.has_value()) return std::nullopt;
  LinearForm wide = uniform(form->offset, dims.size());
  std::copy(form->steps.rbegin(), form->steps.rend(), wide.steps.rbegin());
  return wide;
}

std::optional<LinearForms::Compared> LinearForms::compared(const Op& comparison) {
  const Dims& dims = dims_of(comparison.result());
  Found left = broadcast(comparison.operands[0], dims);
  Found right = broadcast(comparison.operands[1], dims);
  if (!left.has_value() || !right.has_value()) return std::nullopt;
  return Compared{*std::move(left), *std::move(right)};
}

LinearForms::Found LinearForms::of_sum(const Op& op, int64_t sign) {
  if (graph_.type(op.result()).dtype == DType::kBool) return std::nullopt;
  const std::optional<Compared> sides = compared(op);
  if (!sides.has_value()) return std::nullopt;
  return sum(sides->left, sides->right, sign);
}

LinearForms::Found LinearForms::of_product(const Op& op) {
  if (graph_.type(op.result()).dtype == DType::kBool) return std::nullopt;
  const Found a = broadcast(op.operands[0], dims_of(op.result()));
  const Found b = broadcast(op.operands[1], dims_of(op.result()));
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  if (a->is_uniform()) return product(*b, a->offset);
  return b->is_uniform() ? Found(product(*a, b->offset)) : std::nullopt;
}

LinearForms::Found LinearForms::of_where(const Op& op) {
  const std::optional<bool> truth = truth_of(op.operands[0]);
  if (!truth.has_value()) return std::nullopt;
  return broadcast(op.operands[*truth ? 1 : 2], dims_of(op.result()));
}

LinearForms::Found LinearForms::of_logic(const Op& op) {
  const size_t rank = dims_of(op.result()).size();
  const std::optional<bool> first = truth_of(op.operands[0]);
  if (op.is(ops::kLogicalNot))
    return first.has_value() ? Found(uniform(SizeExpr(*first ? 0 : 1), rank)) : std::nullopt;
  const std::optional<bool> second = truth_of(op.operands[1]);
  const bool decisive = op.is(ops::kLogicalOr);
  if (first == decisive || second == decisive) return uniform(SizeExpr(decisive ? 1 : 0), rank);
  if (!first.has_value() || !second.has_value()) return std::nullopt;
  return uniform(SizeExpr(decisive ? 0 : 1), rank);
}

// ---- moved about ----

LinearForms::Found LinearForms::of_reshape(const Op& op) {
  const Dims& from = dims_of(op.operands[0]);
  const Dims& to = dims_of(op.result());
  const Found form = of(op.operands[0]);
  if (!form.has_value()) return std::nullopt;
  LinearForm result = uniform(form->offset, to.size());
  for (const DimGroup& group : group_dims(symbols(), from, to)) {
    const std::optional<SizeExpr> flat =
        flat_step(symbols(), *form, from, group.lhs_begin, group.lhs_end);
    if (!flat.has_value()) return std::nullopt;
    SizeExpr step = *flat;
    for (size_t axis = group.rhs_end; axis > group.rhs_begin; --axis) {
      result.steps[axis - 1] = step;
      step = step * symbols().of(to[axis - 1]);
    }
  }
  return result;
}

LinearForms::Found LinearForms::of_permute(const Op& op) {
  const Found form = of(op.operands[0]);
  if (!form.has_value()) return std::nullopt;
  LinearForm result = *form;
  const Ints& perm = op.attr(attr::kPerm).values;
  for (size_t axis = 0; axis < perm.size(); ++axis)
    result.steps[axis] = form->steps[static_cast<size_t>(perm[axis])];
  return result;
}

LinearForms::Found LinearForms::of_slice(const Op& op) {
  Found form = of(op.operands[0]);
  if (!form.has_value()) return std::nullopt;
  for (size_t axis = 0; axis < form->steps.size(); ++axis) {
    const SizeExpr start = symbols().of(op.attr(attr::kStarts).values[axis]);
    form->offset = form->offset + form->steps[axis] * start;
    form->steps[axis] = form->steps[axis] * SizeExpr(op.attr(attr::kSteps).values[axis]);
  }
  return form;
}

// Pieces that go on where the one before ends.
LinearForms::Found LinearForms::of_concat(const Op& op) {
  const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
  std::vector<LinearForm> pieces;
  std::optional<SizeExpr> step;
  for (const ValueId operand : op.operands) {
    const Found piece = of(operand);
    if (!piece.has_value()) return std::nullopt;
    if (dims_of(operand)[axis] != Dim(1)) step = piece->steps[axis];
    pieces.push_back(*piece);
  }
  if (!step.has_value())
    step = pieces.size() > 1 ? pieces[1].offset - pieces[0].offset : pieces[0].steps[axis];
  LinearForm whole = pieces.front();
  whole.steps[axis] = *step;
  SizeExpr start = whole.offset;
  for (size_t k = 0; k < pieces.size(); ++k) {
    const Dim extent = dims_of(op.operands[k])[axis];
    if (extent == Dim(1)) pieces[k].steps[axis] = *step;
    if (pieces[k].offset != start || pieces[k].steps != whole.steps) return std::nullopt;
    start = start + *step * symbols().of(extent);
  }
  return whole;
}

LinearForms::Found LinearForms::of_gather(const Op& op) {
  const Found index = of(op.operands[1]);
  if (!index.has_value() || dims_of(op.operands[0]).size() != 1) return std::nullopt;
  return at_index(op.operands[0], *index, dims_of(op.operands[1]));
}

// A table that is a tensor read as one axis: what divides by the size of a row says which row.
LinearForms::Found LinearForms::at_index(ValueId table, const LinearForm& index,
                                         const Dims& index_dims) {
  if (!is_within(index, index_dims, dims_of(table)[0])) return std::nullopt;
  if (const Found flat = of(table); flat.has_value())
    return sum(uniform(flat->offset, index.steps.size()), product(index, flat->steps[0]), 1);
  const OpId reshape = graph_.producer_if(table, ops::kReshape);
  if (!reshape.valid()) return std::nullopt;
  const ValueId source = graph_.op(reshape).operands[0];
  const Found form = of(source);
  if (!form.has_value()) return std::nullopt;
  const Dims& dims = dims_of(source);
  LinearForm rest = index;
  LinearForm result = uniform(form->offset, index.steps.size());
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const SizeExpr row = symbols().of(
        symbols().product(Dims(dims.begin() + static_cast<ptrdiff_t>(axis) + 1, dims.end())));
    LinearForm place = uniform(kZero, index.steps.size());
    const auto take = [&](SizeExpr& part, SizeExpr& taken) {
      const std::optional<SizeExpr> quotient = divide_exactly(part, row);
      if (!quotient.has_value()) return;
      taken = *quotient;
      part = kZero;
    };
    take(rest.offset, place.offset);
    for (size_t k = 0; k < rest.steps.size(); ++k) take(rest.steps[k], place.steps[k]);
    if (!is_within(place, index_dims, dims[axis])) return std::nullopt;
    result = sum(result, product(place, form->steps[axis]), 1);
  }
  return result;
}

LinearForms::Found LinearForms::of_cumsum(const Op& op) {
  Found form = of(op.operands[0]);
  if (!form.has_value() || !form->is_uniform()) return std::nullopt;
  form->steps[static_cast<size_t>(op.attr(attr::kAxis).value)] = form->offset;
  return form;
}

// ---- comparisons ----

LinearForms::Found LinearForms::of_comparison(const Op& op) {
  const std::optional<Compared> sides = compared(op);
  if (!sides.has_value()) return std::nullopt;
  const std::optional<bool> truth = decided(op, sides->difference());
  if (!truth.has_value()) return std::nullopt;
  return uniform(SizeExpr(*truth ? 1 : 0), sides->left.steps.size());
}

std::optional<bool> LinearForms::decided(const Op& comparison, const LinearForm& difference) const {
  const auto [least, greatest] = bounds(difference, dims_of(comparison.result()));
  const bool is_less = is_at_most(greatest, -1);
  const bool is_more = is_at_least(least, 1);
  const bool is_no_less = is_at_least(least, 0);
  const bool is_no_more = is_at_most(greatest, 0);
  const auto known = [](bool is_true, bool is_false) {
    return is_true || is_false ? std::optional(is_true) : std::nullopt;
  };
  if (comparison.is(ops::kLt)) return known(is_less, is_no_less);
  if (comparison.is(ops::kLe)) return known(is_no_more, is_more);
  if (comparison.is(ops::kGt)) return known(is_more, is_no_more);
  if (comparison.is(ops::kGe)) return known(is_no_less, is_less);
  if (comparison.is(ops::kEq)) return known(is_no_less && is_no_more, is_less || is_more);
  return known(is_less || is_more, is_no_less && is_no_more);
}

std::optional<bool> LinearForms::truth_of(ValueId value) {
  if (graph_.type(value).dtype != DType::kBool) return std::nullopt;
  return known_bool(of(value));
}

// Of bools that are known to hold one along an axis.
LinearForms::Found LinearForms::of_any(const Op& op) {
  const ValueId value = op.operands[0];
  for (const int64_t axis : op.attr(attr::kAxes).values) {
    if (has_true_along(value, static_cast<size_t>(axis)))
      return uniform(SizeExpr(1), dims_of(op.result()).size());
  }
  return std::nullopt;
}

bool LinearForms::has_true_along(ValueId value, size_t axis) {
  if (truth_of(value) == true) return true;
  const OpId producer = graph_.producer(value);
  if (!producer.valid()) return false;
  const Op& op = graph_.op(producer);
  if (op.is(ops::kExpand)) return has_true_along_operand(op, 0, axis);
  if (op.is(ops::kLogicalOr))
    return has_true_along_operand(op, 0, axis) || has_true_along_operand(op, 1, axis);
  if (op.is(ops::kLogicalAnd)) {
    if (truth_of(op.operands[0]) == true) return has_true_along_operand(op, 1, axis);
    return truth_of(op.operands[1]) == true && has_true_along_operand(op, 0, axis);
  }
  if (op.is(ops::kReshape)) {
    for (const DimGroup& group : group_dims(symbols(), dims_of(op.operands[0]), dims_of(value)))
      if (group.rhs_begin == axis && group.rhs_end == axis + 1 &&
          group.lhs_end == group.lhs_begin + 1)
        return has_true_along(op.operands[0], group.lhs_begin);
    return false;
  }
  if (!is_comparison(op)) return false;
  const std::optional<Compared> sides = compared(op);
  if (!sides.has_value()) return false;
  const LinearForm difference = sides->difference();
  const Dims& dims = dims_of(value);
  if (op.is(ops::kLt) || op.is(ops::kLe))
    return is_at_most(greatest(difference, dims, axis), op.is(ops::kLe) ? 0 : -1);
  if (!op.is(ops::kGt) && !op.is(ops::kGe)) return false;
  const LinearForm opposite = product(difference, SizeExpr(-1));
  return is_at_most(greatest(opposite, dims, axis), op.is(ops::kGe) ? 0 : -1);
}

// `axis` is one of the result that the operand is broadcast to.
bool LinearForms::has_true_along_operand(const Op& op, size_t operand, size_t axis) {
  const ValueId value = op.operands[operand];
  const size_t missing = dims_of(op.result()).size() - dims_of(value).size();
  return axis < missing ? truth_of(value) == true : has_true_along(value, axis - missing);
}

// ---- bounds ----

LinearForms::Bound LinearForms::greatest(const LinearForm& form, const Dims& dims,
                                         std::optional<size_t> lowest) const {
  SizeExpr value = form.offset;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const SizeExpr& step = form.steps[axis];
    const SymbolRange range = symbols().range(step);
    if (range.min < 0 && range.max > 0) return std::nullopt;
    const bool is_last_greatest = range.min >= 0;
    if (is_last_greatest == (axis == lowest)) continue;
    value = value + step * (symbols().of(dims[axis]) - SizeExpr(1));
  }
  return value;
}

LinearForms::Bounds LinearForms::bounds(const LinearForm& form, const Dims& dims) const {
  Bound opposite = greatest(product(form, SizeExpr(-1)), dims);
  if (opposite.has_value()) opposite = kZero - *opposite;
  return {opposite, greatest(form, dims)};
}

bool LinearForms::is_at_least(const Bound& value, int64_t number) const {
  return value.has_value() && symbols().range(*value).min >= number;
}

bool LinearForms::is_at_most(const Bound& value, int64_t number) const {
  return value.has_value() && symbols().range(*value).max <= number;
}

bool LinearForms::fits(const LinearForm& form, const TensorType& type) const {
  if (type.dtype == DType::kI64) return true;
  const IntegerRange range = range_of_dtype(type.dtype);
  const auto [least, greatest] = bounds(form, type.dims);
  return is_at_least(least, range.min) && is_at_most(greatest, range.max);
}

bool LinearForms::is_within(const LinearForm& form, const Dims& dims, Dim end) const {
  const auto [least, greatest] = bounds(form, dims);
  return is_at_least(least, 0) && greatest.has_value() &&
         is_at_most(*greatest - symbols().of(end), -1);
}

}  // namespace ferryman
