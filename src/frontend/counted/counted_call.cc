#include "frontend/counted/counted_call.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/names.h"

namespace ferryman::frontend {

namespace {

int64_t lowest_of(DType dtype) {
  if (dtype == DType::kI64) return std::numeric_limits<int64_t>::min();
  if (dtype == DType::kI32) return std::numeric_limits<int32_t>::min();
  if (dtype == DType::kI16) return std::numeric_limits<int16_t>::min();
  if (dtype == DType::kI8) return std::numeric_limits<int8_t>::min();
  return 0;
}

int64_t highest_of(DType dtype) {
  if (dtype == DType::kI64) return std::numeric_limits<int64_t>::max();
  if (dtype == DType::kI32) return std::numeric_limits<int32_t>::max();
  if (dtype == DType::kI16) return std::numeric_limits<int16_t>::max();
  if (dtype == DType::kI8) return std::numeric_limits<int8_t>::max();
  return dtype == DType::kU8 ? std::numeric_limits<uint8_t>::max() : 1;
}

TensorData number_of(DType dtype, Extreme extreme) {
  const double infinity = std::numeric_limits<double>::infinity();
  switch (extreme) {
    case Extreme::kZero:
      return TensorData::filled(dtype, {}, 0);
    case Extreme::kOne:
      return TensorData::filled(dtype, {}, 1);
    case Extreme::kLowest:
      if (is_floating(dtype)) return TensorData::filled(dtype, {}, -infinity);
      return TensorData::of<int64_t>({}, std::vector{lowest_of(dtype)});
    case Extreme::kHighest:
      if (is_floating(dtype)) return TensorData::filled(dtype, {}, infinity);
      return TensorData::of<int64_t>({}, std::vector{highest_of(dtype)});
    case Extreme::kLast:
      if (is_floating(dtype)) return TensorData::filled(dtype, {}, std::nan(""));
      return TensorData::of<int64_t>({}, std::vector{highest_of(dtype)});
  }
  internal_error("unknown extreme");
}

}  // namespace

Result<std::optional<size_t>> find_counted_axis(const TensorMeta& meta, const CountedSizes& sizes) {
  std::optional<size_t> found;
  for (size_t axis = 0; axis < meta.sizes.size(); ++axis) {
    if (sizes.number_of(meta.sizes[axis]).has_value()) continue;
    if (found.has_value()) {
      return Diag::error(DiagCode::kUnsupportedForm,
                         "a tensor with two sizes that are only known at run time");
    }
    found = axis;
  }
  return found;
}

const CountedAxis* CountedCall::find(ValueId operand) const {
  const auto found = operands_.find(operand);
  return found == operands_.end() ? nullptr : &found->second;
}

Result<ValueId> CountedCall::below(ValueId count, int64_t size) {
  std::vector<int32_t> numbers(static_cast<size_t>(size));
  std::iota(numbers.begin(), numbers.end(), 0);
  const ValueId places =
      context_.builder().constant(TensorData::of<int32_t>({size}, numbers), "places");
  return context_.emit(ops::kLt, {places, count});
}

Result<ValueId> CountedCall::existing(ValueId operand, const CountedAxis& axis) {
  const Ints sizes = sizes_of(context_, operand);
  const auto along = static_cast<size_t>(axis.axis);
  FERRYMAN_TRY(const ValueId exists, below(axis.count, sizes[along]));
  Ints shape(sizes.size(), 1);
  shape[along] = sizes[along];
  return emit_reshape(context_, exists, shape);
}

Result<ValueId> CountedCall::filled(ValueId operand, Extreme extreme) {
  const CountedAxis* axis = find(operand);
  if (axis == nullptr) return operand;
  FERRYMAN_TRY(const ValueId exists, existing(operand, *axis));
  const DType dtype = dtype_of(context_, operand);
  ValueId number = context_.builder().constant(number_of(dtype, extreme), "beyond");
  if (dtype_of(context_, number) != dtype) {
    FERRYMAN_TRY(number, context_.emit(ops::kCast, {number}, {{attr::kDType, dtype}}));
  }
  return context_.emit(ops::kWhere, {exists, operand, number});
}

Result<int64_t> CountedCall::result_size(size_t result, int64_t axis) const {
  const SymSize& size = results_[result]->sizes[static_cast<size_t>(axis)];
  if (size.is_static()) return size.value;
  return sizes_.bound(size.expr);
}

Result<int64_t> CountedCall::set_count(size_t result, int64_t axis, ValueId count, int64_t bound) {
  if (result >= results_.size() || results_[result] == nullptr) return bound;
  FERRYMAN_TRY(const std::optional<size_t> counted, find_counted_axis(*results_[result], sizes_));
  if (!counted.has_value()) return results_[result]->sizes[static_cast<size_t>(axis)].value;
  const std::string& expr = results_[result]->sizes[*counted].expr;
  if (!sizes_.is_known(expr)) {
    FERRYMAN_TRY_STATUS(sizes_.define(expr, count, bound));
  }
  return sizes_.bound(expr);
}

Status CountedCall::set_size(size_t result, int64_t axis, int64_t size) {
  if (result >= results_.size() || results_[result] == nullptr) return {};
  const SymSize& recorded = results_[result]->sizes[static_cast<size_t>(axis)];
  const std::optional<int64_t> known = sizes_.number_of(recorded);
  if (!known.has_value()) return sizes_.define_fixed(recorded.expr, size);
  if (*known == size) return {};
  return context_.unsupported("another size than the program records");
}

Status CountedCall::require_axis(size_t result, const RowAxes& axes, ValueId value) {
  const auto followed = axes.find(value);
  if (followed == axes.end() || results_[result] == nullptr) return {};
  FERRYMAN_TRY(const std::optional<size_t> recorded, find_counted_axis(*results_[result], sizes_));
  if (!recorded.has_value() || *recorded == followed->second) return {};
  return context_.unsupported("entries counted at run time end up in another axis");
}

}  // namespace ferryman::frontend
