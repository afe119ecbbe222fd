#include "ops/promote.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman {

namespace {

// Unsigned types wider than a byte came late to torch: they promote with floating point only.
bool is_wide_unsigned(DType dtype) {
  return dtype == DType::kU16 || dtype == DType::kU32 || dtype == DType::kU64;
}

std::optional<DType> promote_floating(DType a, DType b) {
  if (!is_floating(a)) return b;
  if (!is_floating(b)) return a;
  if (byte_size(a) != byte_size(b)) return byte_size(a) > byte_size(b) ? a : b;
  return DType::kF32;  // f16 with bf16: neither holds the other
}

std::optional<DType> promote_complex(DType a, DType b) {
  const bool wide = a == DType::kC128 || b == DType::kC128 || a == DType::kF64 || b == DType::kF64;
  return wide ? DType::kC128 : DType::kC64;
}

std::optional<DType> promote_integers(DType a, DType b) {
  if (a == DType::kBool) return b;
  if (b == DType::kBool) return a;
  if (byte_size(a) != byte_size(b)) return byte_size(a) > byte_size(b) ? a : b;
  return DType::kI16;  // u8 with i8
}

// Which of a higher and a lower category decides.
std::optional<DType> combine(std::optional<DType> higher, std::optional<DType> lower) {
  if (!higher.has_value() || !lower.has_value()) return higher.has_value() ? higher : lower;
  if (is_complex(*higher)) return higher;
  if (is_floating(*higher)) {
    if (!is_complex(*lower)) return higher;
    if (*higher == DType::kF16) return std::nullopt;  // complex32, which we do not have
    return *higher == DType::kF64 ? DType::kC128 : DType::kC64;
  }
  if (is_complex(*lower)) return lower;
  const bool lower_is_higher_kind = *higher == DType::kBool || is_floating(*lower);
  return lower_is_higher_kind ? promote_types(*higher, *lower) : higher;
}

}  // namespace

std::optional<DType> promote_types(DType a, DType b) {
  if (a == b) return a;
  if (is_wide_unsigned(a) || is_wide_unsigned(b)) {
    if (is_floating(a)) return a;
    if (is_floating(b)) return b;
    return std::nullopt;
  }
  if (is_complex(a) || is_complex(b)) return promote_complex(a, b);
  if (is_floating(a) || is_floating(b)) return promote_floating(a, b);
  return promote_integers(a, b);
}

std::optional<DType> result_type(std::span<const PromotionArg> args) {
  std::optional<DType> of_category[3];
  for (const PromotionArg& arg : args) {
    std::optional<DType>& so_far = of_category[static_cast<size_t>(arg.category)];
    const std::optional<DType> next = so_far ? promote_types(*so_far, arg.dtype) : arg.dtype;
    if (!next.has_value()) return std::nullopt;
    so_far = next;
  }
  const auto [numbers, scalars, tensors] = std::tie(of_category[0], of_category[1], of_category[2]);
  const std::optional<DType> lower = combine(scalars, numbers);
  if (!lower.has_value() && (scalars.has_value() || numbers.has_value())) return std::nullopt;
  return combine(tensors, lower);
}

std::optional<PromotionArg> promotion_arg(const Graph& graph, const ImportArg& arg) {
  if (const auto* value = std::get_if<ValueId>(&arg.value)) {
    const TensorType& type = graph.type(*value);
    return PromotionArg{
        type.dtype, type.rank() == 0 ? OperandCategory::kScalarTensor : OperandCategory::kTensor};
  }
  if (const auto* number = std::get_if<RunTimeNumber>(&arg.value)) {
    const DType dtype = graph.type(number->value).dtype;
    return PromotionArg{is_floating(dtype) ? DType::kF32 : dtype, OperandCategory::kNumber};
  }
  if (std::holds_alternative<bool>(arg.value))
    return PromotionArg{DType::kBool, OperandCategory::kNumber};
  if (std::holds_alternative<int64_t>(arg.value) || std::holds_alternative<Dim>(arg.value))
    return PromotionArg{DType::kI64, OperandCategory::kNumber};
  if (std::holds_alternative<double>(arg.value))
    return PromotionArg{DType::kF32, OperandCategory::kNumber};
  return std::nullopt;
}

Result<DType> common_dtype(ImportContext& call, std::initializer_list<std::string_view> names,
                           Promotion promotion) {
  std::vector<PromotionArg> args;
  for (const std::string_view name : names) {
    const ImportArg* arg = call.find(name);
    if (arg == nullptr) continue;
    const std::optional<PromotionArg> known = promotion_arg(call.graph(), *arg);
    if (known.has_value()) args.push_back(*known);
  }
  const std::optional<DType> common = result_type(args);
  if (!common.has_value()) return call.unsupported("its operands have no common dtype");
  const bool to_float =
      promotion == Promotion::kCommonFloat && !is_floating(*common) && !is_complex(*common);
  return to_float ? DType::kF32 : *common;
}

Result<std::vector<ValueId>> promoted(ImportContext& call,
                                      std::initializer_list<std::string_view> names,
                                      Promotion promotion) {
  FERRYMAN_TRY(const DType dtype, common_dtype(call, names, promotion));
  std::vector<ValueId> values;
  for (const std::string_view name : names) {
    FERRYMAN_TRY(const ValueId value, tensor_as(call, name, dtype));
    values.push_back(value);
  }
  return values;
}

Result<ValueId> tensor_as(ImportContext& call, std::string_view name, DType dtype) {
  FERRYMAN_TRY(const ValueId value, call.tensor_or_number(name, dtype));
  return call.writer().cast(value, dtype);
}

Result<ValueId> scaled_by(ImportContext& call, ValueId value, std::string_view number_name) {
  if (!call.given(number_name)) return value;
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(value);
  const OpName times = dtype == DType::kBool ? ops::kLogicalAnd : ops::kMul;
  if (!call.is_of_run_time(number_name)) {
    FERRYMAN_TRY(const double factor, call.number(number_name));
    if (factor == 1.0 || (factor != 0 && dtype == DType::kBool)) return value;
  }
  FERRYMAN_TRY(const ValueId factor, call.number_constant(*call.find(number_name), dtype));
  return write.binary(times, value, factor);
}

}  // namespace ferryman
