// torch's type promotion: the dtype in which an op on several operands computes.
//
//   result_type(std::array{PromotionArg{DType::kI64, OperandCategory::kTensor},
//                          PromotionArg{DType::kF32, OperandCategory::kNumber}})   ->   f32
//
// Tensors with axes come before tensors without, and those before numbers of the Python program: a
// lower category changes the dtype only if it is of a higher kind (bool < integer < floating point
// < complex).
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ops/import.h"

namespace ferryman {

enum class OperandCategory : uint8_t { kNumber, kScalarTensor, kTensor };

struct PromotionArg {
  DType dtype;
  OperandCategory category;
};

// Empty where torch refuses the pair.
std::optional<DType> promote_types(DType a, DType b);
std::optional<DType> result_type(std::span<const PromotionArg> args);

// How an argument of a call takes part; a list or None does not.
std::optional<PromotionArg> promotion_arg(const Graph& graph, const ImportArg& arg);

// The dtype of the named arguments of a call under a promotion; absent ones are left out.
Result<DType> common_dtype(ImportContext& call, std::initializer_list<std::string_view> names,
                           Promotion promotion);
// The named arguments as tensors of their common dtype; all must be present.
Result<std::vector<ValueId>> promoted(ImportContext& call,
                                      std::initializer_list<std::string_view> names,
                                      Promotion promotion = Promotion::kCommon);
// A tensor or number argument as a tensor of `dtype`.
Result<ValueId> tensor_as(ImportContext& call, std::string_view name, DType dtype);
// value * the number argument, unless that is 1 or not given. Of bools: value and number.
Result<ValueId> scaled_by(ImportContext& call, ValueId value, std::string_view number_name);

}  // namespace ferryman
