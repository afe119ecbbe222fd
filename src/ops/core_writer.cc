#include "ops/core_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/names.h"
#include "support/check.h"

namespace ferryman {

void CoreWriter::fail(Diag diag) const {
  if (error_ == nullptr) internal_error(render(diag));
  if (error_->ok()) *error_ = std::move(diag);
}

ValueId CoreWriter::refuse(std::string what) const {
  fail(Diag::error(DiagCode::kUnsupportedForm, std::move(what))
           .at(graph().location(builder_->current_location())));
  return {};
}

// ---- what a value is ----

const TensorType& CoreWriter::type(ValueId value) const {
  constexpr size_t kMoreThanAnyRank = 80;  // torch stops at 64 axes
  static const TensorType kUnwritten{DType::kF32, Dims(kMoreThanAnyRank, Dim(1))};
  return value.valid() ? graph().type(value) : kUnwritten;
}

bool CoreWriter::is_constant(ValueId value) const {
  return value.valid() && graph().is_constant(value);
}

Ints CoreWriter::sizes(ValueId value) const {
  return static_sizes(dims(value));
}

int64_t CoreWriter::size(ValueId value, int64_t axis) const {
  return dim(value, axis).size();
}

// ---- any op ----

ValueId CoreWriter::op(OpName name, std::initializer_list<ValueId> operands,
                       std::initializer_list<NamedAttr> attrs) const {
  return op(name, std::span(operands.begin(), operands.size()),
            std::span(attrs.begin(), attrs.size()));
}

ValueId CoreWriter::op(OpName name, std::span<const ValueId> operands,
                       std::span<const NamedAttr> attrs) const {
  return all_results(name, operands, attrs).front();
}

std::vector<ValueId> CoreWriter::all_results(OpName name, std::span<const ValueId> operands,
                                             std::span<const NamedAttr> attrs) const {
  const size_t num_results = std::max<size_t>(graph().op_set().get(name).num_results, 1);
  const std::vector<ValueId> nothing(num_results);
  if (has_failed()) return nothing;
  Result<OpId> made = builder_->try_create(name, operands, attrs);
  if (made.ok()) return graph().op(*made).results;
  fail(std::move(made).diag());
  return nothing;
}

// ---- element by element ----

ValueId CoreWriter::neg(ValueId x) const {
  return unary(ops::kNeg, x);
}
ValueId CoreWriter::abs(ValueId x) const {
  return unary(ops::kAbs, x);
}
ValueId CoreWriter::square(ValueId x) const {
  return unary(ops::kSquare, x);
}
ValueId CoreWriter::sqrt(ValueId x) const {
  return unary(ops::kSqrt, x);
}
ValueId CoreWriter::exp(ValueId x) const {
  return unary(ops::kExp, x);
}
ValueId CoreWriter::log(ValueId x) const {
  return unary(ops::kLog, x);
}
ValueId CoreWriter::add(ValueId a, ValueId b) const {
  return binary(ops::kAdd, a, b);
}
ValueId CoreWriter::add(ValueId a, double b) const {
  return b == 0 ? a : binary(ops::kAdd, a, b);
}
ValueId CoreWriter::sub(ValueId a, ValueId b) const {
  return binary(ops::kSub, a, b);
}
ValueId CoreWriter::sub(ValueId a, double b) const {
  return b == 0 ? a : binary(ops::kSub, a, b);
}
ValueId CoreWriter::mul(ValueId a, ValueId b) const {
  return binary(ops::kMul, a, b);
}
ValueId CoreWriter::mul(ValueId a, double b) const {
  return b == 1 ? a : binary(ops::kMul, a, b);
}
ValueId CoreWriter::div(ValueId a, ValueId b) const {
  return binary(ops::kDiv, a, b);
}
ValueId CoreWriter::div(ValueId a, double b) const {
  return b == 1 ? a : binary(ops::kDiv, a, b);
}

ValueId CoreWriter::where(ValueId condition, ValueId x, ValueId other) const {
  return op(ops::kWhere, {condition, x, other});
}
ValueId CoreWriter::where(ValueId condition, ValueId x, double other) const {
  return where(condition, x, scalar(x, other));
}
ValueId CoreWriter::where(ValueId condition, double x, ValueId other) const {
  return where(condition, scalar(other, x), other);
}

ValueId CoreWriter::cast(ValueId x, DType dtype) const {
  if (type(x).dtype == dtype) return x;
  return op(ops::kCast, {x}, {{attr::kDType, dtype}});
}

ValueId CoreWriter::polynomial(ValueId x, const std::vector<double>& coefficients) const {
  ValueId sum = add(mul(x, coefficients[0]), coefficients[1]);
  for (size_t i = 2; i < coefficients.size(); ++i) sum = add(mul(sum, x), coefficients[i]);
  return sum;
}

// ---- shapes ----

namespace {

// The sizes with what is left of `count` elements in the place of the one that is none; nothing if
// they do not fit.
std::optional<Dims> complete_shape(SymbolTable& symbols,
                                   const std::vector<std::optional<Dim>>& shape, Dim count) {
  Dims known;
  for (const std::optional<Dim>& size : shape) {
    if (size.has_value()) known.push_back(*size);
  }
  if (known.size() + 1 < shape.size()) return std::nullopt;
  const Dim product = symbols.product(known);
  if (known.size() == shape.size()) return product == count ? std::optional(known) : std::nullopt;
  std::optional<Dim> left = symbols.exact_quotient(count, product);
  if (product == Dim(0) && count == Dim(0)) left = Dim(0);
  // What the program states by reshaping: that it divides.
  if (!left.has_value() && !count.is_static()) left = symbols.floordiv(count, product);
  if (!left.has_value()) return std::nullopt;
  Dims complete;
  for (const std::optional<Dim>& size : shape) complete.push_back(size.value_or(*left));
  return complete;
}

std::string print_shape(const SymbolTable& symbols, const std::vector<std::optional<Dim>>& shape) {
  std::vector<std::string> sizes;
  for (const std::optional<Dim>& size : shape)
    sizes.push_back(size.has_value() ? symbols.print(*size) : "-1");
  return fmt::format("[{}]", fmt::join(sizes, ", "));
}

bool is_permutation(Ints perm, size_t rank) {
  std::sort(perm.begin(), perm.end());
  return perm == iota_axes(rank);
}

}  // namespace

ValueId CoreWriter::reshape(ValueId x, Dims dims) const {
  if (type(x).dims == dims || !x.valid()) return x;
  if (is_constant(x) && all_static(dims) &&
      ferryman::num_elements(dims) == ferryman::num_elements(type(x).dims)) {
    return constant(graph().constant(x).reshaped(static_sizes(dims)), graph().value(x).name);
  }
  return op(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{std::move(dims)}}});
}

ValueId CoreWriter::reshape_to(ValueId x, const std::vector<std::optional<Dim>>& shape) const {
  if (!x.valid()) return x;
  const Dim count = num_elements(x);
  const std::optional<Dims> complete = complete_shape(symbols(), shape, count);
  if (complete.has_value()) return reshape(x, *complete);
  return refuse(fmt::format("{} elements do not fit into {}", symbols().print(count),
                            print_shape(symbols(), shape)));
}

ValueId CoreWriter::reshape(ValueId x, const Ints& shape) const {
  std::vector<std::optional<Dim>> sizes;
  for (const int64_t size : shape)
    sizes.push_back(size == -1 ? std::nullopt : std::optional(Dim(size)));
  return reshape_to(x, sizes);
}

ValueId CoreWriter::reshape(ValueId x, std::initializer_list<int64_t> shape) const {
  return reshape(x, Ints(shape));
}

ValueId CoreWriter::permute(ValueId x, Ints perm) const {
  if (!x.valid() || perm == iota_axes(rank(x))) return x;
  if (is_constant(x) && is_permutation(perm, rank(x)))
    return constant(graph().constant(x).permuted(perm), graph().value(x).name);
  return op(ops::kPermute, {x}, {{attr::kPerm, Perm{std::move(perm)}}});
}

ValueId CoreWriter::expand(ValueId x, Dims dims) const {
  if (!x.valid() || type(x).dims == dims) return x;
  const size_t missing = dims.size() - std::min(dims.size(), rank(x));
  Dims lined_up(missing, Dim(1));
  lined_up.insert(lined_up.end(), type(x).dims.begin(), type(x).dims.end());
  x = reshape(x, std::move(lined_up));
  if (type(x).dims == dims) return x;
  return op(ops::kExpand, {x}, {{attr::kShape, ShapeAttr{std::move(dims)}}});
}

ValueId CoreWriter::expand(ValueId x, const Ints& shape) const {
  return expand(x, to_dims(shape));
}

ValueId CoreWriter::expand(ValueId x, std::initializer_list<int64_t> shape) const {
  return expand(x, Ints(shape));
}

ValueId CoreWriter::slice(ValueId x, Dims starts, Dims ends, Ints steps) const {
  if (!x.valid()) return x;
  if (steps.empty()) steps.assign(starts.size(), 1);
  const bool everything =
      starts == Dims(starts.size(), Dim(0)) && ends == dims(x) && steps == Ints(steps.size(), 1);
  if (everything) return x;
  return op(ops::kSlice, {x},
            {{attr::kStarts, AxisSizes{std::move(starts)}},
             {attr::kEnds, AxisSizes{std::move(ends)}},
             {attr::kSteps, PerAxis{std::move(steps)}}});
}

ValueId CoreWriter::slice_axis(ValueId x, size_t axis, Dim begin, Dim end, int64_t step) const {
  Dims ends = dims(x);
  Dims starts(ends.size(), Dim(0));
  Ints steps(ends.size(), 1);
  starts[axis] = begin;
  ends[axis] = end;
  steps[axis] = step;
  return slice(x, std::move(starts), std::move(ends), std::move(steps));
}

ValueId CoreWriter::select(ValueId x, size_t axis, Dim index) const {
  const ValueId part = slice_axis(x, axis, index, symbols().shift(index, 1));
  Dims rest = dims(part);
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(axis));
  return reshape(part, std::move(rest));
}

ValueId CoreWriter::pad(ValueId x, Ints before, Ints after, double value) const {
  const Ints zeros(before.size(), 0);
  if (before == zeros && after == zeros) return x;
  return op(ops::kPad, {x},
            {{attr::kBefore, PerAxis{std::move(before)}},
             {attr::kAfter, PerAxis{std::move(after)}},
             {attr::kValue, value}});
}

ValueId CoreWriter::flip(ValueId x, size_t axis) const {
  return op(ops::kFlip, {x}, {{attr::kAxes, Axes{{static_cast<int64_t>(axis)}}}});
}

ValueId CoreWriter::concat(std::span<const ValueId> parts, size_t axis) const {
  if (parts.size() == 1) return parts.front();
  const NamedAttr along(attr::kAxis, Axis{static_cast<int64_t>(axis)});
  return op(ops::kConcat, parts, {&along, 1});
}

ValueId CoreWriter::concat(std::initializer_list<ValueId> parts, size_t axis) const {
  return concat(std::span(parts.begin(), parts.size()), axis);
}

ValueId CoreWriter::gather(ValueId x, size_t axis, const std::vector<int32_t>& indices) const {
  return gather(x, axis,
                constant(TensorData::of<int32_t>({static_cast<int64_t>(indices.size())}, indices),
                         "indices"));
}

ValueId CoreWriter::gather(ValueId x, size_t axis, ValueId indices) const {
  return op(ops::kGather, {x, indices}, {{attr::kAxis, Axis{static_cast<int64_t>(axis)}}});
}

// ---- sums ----

ValueId CoreWriter::reduce(OpName name, ValueId x, Ints axes, bool keepdim) const {
  return op(name, {x}, {{attr::kAxes, Axes{std::move(axes)}}, {attr::kKeepDim, keepdim}});
}

ValueId CoreWriter::linear(ValueId x, ValueId weight, ValueId bias) const {
  return op(ops::kLinear, {x, weight, bias});
}

ValueId CoreWriter::apply_matrix(ValueId x, size_t axis, TensorData matrix) const {
  Ints swap = iota_axes(rank(x));
  std::swap(swap[axis], swap.back());
  const ValueId weight = constant(std::move(matrix), "matrix");
  return permute(op(ops::kLinear, {permute(x, swap), weight}), swap);
}

// ---- constants ----

ValueId CoreWriter::scalar(ValueId like, double value) const {
  return scalar(dtype(like), value);
}

ValueId CoreWriter::constant(DType dtype, Ints shape, const std::vector<double>& values,
                             std::string name) const {
  if (has_failed()) return {};  // the sizes may come from what was not written
  return constant(store_doubles({dtype, to_dims(shape)}, values), std::move(name));
}

ValueId CoreWriter::constant(TensorData data, std::string name) const {
  return builder_->constant(std::move(data), std::move(name));
}

ValueId CoreWriter::numbers(Dim count, std::string name) const {
  if (!count.is_static())
    return op(ops::kIota, std::span<const ValueId>(),
              std::array{NamedAttr(attr::kShape, ShapeAttr{{count}})});
  std::vector<int32_t> values(static_cast<size_t>(count.size()));
  std::iota(values.begin(), values.end(), 0);
  return constant(TensorData::of<int32_t>({count.size()}, values), std::move(name));
}

ValueId CoreWriter::numbers_along(Dim count, size_t rank, size_t axis, std::string name) const {
  Dims line(rank, 1);
  line[axis] = count;
  if (!count.is_static()) return reshape(numbers(count, std::move(name)), std::move(line));
  std::vector<int32_t> values(static_cast<size_t>(count.size()));
  std::iota(values.begin(), values.end(), 0);
  return constant(TensorData::of<int32_t>(static_sizes(line), values), std::move(name));
}

ValueId CoreWriter::filled(DType dtype, Dims dims, double value, std::string name) const {
  if (!all_static(dims)) return expand(scalar(dtype, value), std::move(dims));
  return constant(TensorData::filled(dtype, static_sizes(dims), value), std::move(name));
}

ValueId CoreWriter::size_value(Dim size, DType dtype) const {
  if (size.is_static()) return scalar(dtype, static_cast<double>(size.size()));
  const ValueId value = op(ops::kSymSize, std::span<const ValueId>(),
                           std::array{NamedAttr(attr::kShape, ShapeAttr{{size}})});
  return cast(value, dtype);
}

ValueId CoreWriter::indices(Ints shape, const Ints& values) const {
  if (has_failed()) return {};  // as above
  return constant(TensorData::of<int64_t>(std::move(shape), values), "indices");
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
