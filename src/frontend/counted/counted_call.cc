#include "frontend/counted/counted_call.h"

#include <cmath>
#include <limits>

#include "ops/attrs.h"
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
    if (sizes.dim_of(meta.sizes[axis]).has_value()) continue;
    if (found.has_value()) {
      return Diag::error(DiagCode::kUnsupportedForm,
                         "a tensor with two sizes that are only known at run time")
          .hint(
              "where one of them is a constant, say so: x.narrow(axis, start, length) in place of "
              "a slice, or torch._check(stop <= x.shape[axis]) before it");
    }
    found = axis;
  }
  return found;
}

const CountedAxis* CountedCall::find(ValueId operand) const {
  const auto found = operands_.find(operand);
  return found == operands_.end() ? nullptr : &found->second;
}

ValueId CountedCall::below(ValueId count, Dim size) {
  const ValueId places = writer().numbers(size, "places");
  return writer().binary(ops::kLt, places, count);
}

ValueId CountedCall::existing(ValueId operand, const CountedAxis& axis) {
  const CoreWriter write = writer();
  Dims shape(write.rank(operand), 1);
  shape[static_cast<size_t>(axis.axis)] = write.dim(operand, axis.axis);
  return write.reshape(below(axis.count, write.dim(operand, axis.axis)), shape);
}

ValueId CountedCall::filled(ValueId operand, Extreme extreme) {
  const CountedAxis* axis = find(operand);
  if (axis == nullptr) return operand;
  const CoreWriter write = writer();
  const DType dtype = write.dtype(operand);
  const ValueId beyond = write.cast(write.constant(number_of(dtype, extreme), "beyond"), dtype);
  return write.where(existing(operand, *axis), operand, beyond);
}

bool CountedCall::is_open(size_t result, int64_t axis) const {
  const SymSize& size = results_[result]->sizes[static_cast<size_t>(axis)];
  return !sizes_.dim_of(size).has_value();
}

Result<Dim> CountedCall::result_size(size_t result, int64_t axis) const {
  const SymSize& size = results_[result]->sizes[static_cast<size_t>(axis)];
  if (const std::optional<Dim> known = sizes_.dim_of(size); known.has_value()) return *known;
  return sizes_.bound(size.expr);
}

Result<Dim> CountedCall::set_count(size_t result, int64_t axis, ValueId count, Dim bound) {
  const bool is_open = result < results_.size() && results_[result] != nullptr;
  if (!is_open || writer().has_failed()) return bound;
  FERRYMAN_TRY(const std::optional<size_t> counted, find_counted_axis(*results_[result], sizes_));
  if (!counted.has_value()) return result_size(result, axis);
  const std::string& expr = results_[result]->sizes[*counted].expr;
  if (!sizes_.is_known(expr)) {
    FERRYMAN_TRY_STATUS(sizes_.define(expr, count, bound));
  }
  return sizes_.bound(expr);
}

Status CountedCall::set_size(size_t result, int64_t axis, Dim size) {
  if (result >= results_.size() || results_[result] == nullptr) return {};
  const SymSize& recorded = results_[result]->sizes[static_cast<size_t>(axis)];
  const std::optional<Dim> known = sizes_.dim_of(recorded);
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
