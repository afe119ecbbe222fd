#include "targets/tflite/format/types.h"

#include <array>
#include <cstddef>

#include "support/check.h"

namespace ferryman::tflite {

namespace {

struct TypeRow {
  TensorType type;
  std::string_view name;
  int num_bits;
  std::optional<DType> dtype;
};

constexpr std::array<TypeRow, kNumTensorTypes> kTypes = {{
    {TensorType::kFloat32, "FLOAT32", 32, DType::kF32},
    {TensorType::kFloat16, "FLOAT16", 16, DType::kF16},
    {TensorType::kInt32, "INT32", 32, DType::kI32},
    {TensorType::kUint8, "UINT8", 8, DType::kU8},
    {TensorType::kInt64, "INT64", 64, DType::kI64},
    {TensorType::kString, "STRING", 0, std::nullopt},
    {TensorType::kBool, "BOOL", 8, DType::kBool},
    {TensorType::kInt16, "INT16", 16, DType::kI16},
    {TensorType::kComplex64, "COMPLEX64", 64, DType::kC64},
    {TensorType::kInt8, "INT8", 8, DType::kI8},
    {TensorType::kFloat64, "FLOAT64", 64, DType::kF64},
    {TensorType::kComplex128, "COMPLEX128", 128, DType::kC128},
    {TensorType::kUint64, "UINT64", 64, DType::kU64},
    {TensorType::kResource, "RESOURCE", 0, std::nullopt},
    {TensorType::kVariant, "VARIANT", 0, std::nullopt},
    {TensorType::kUint32, "UINT32", 32, DType::kU32},
    {TensorType::kUint16, "UINT16", 16, DType::kU16},
    {TensorType::kInt4, "INT4", 4, std::nullopt},
    {TensorType::kBfloat16, "BFLOAT16", 16, DType::kBF16},
    {TensorType::kInt2, "INT2", 2, std::nullopt},
    {TensorType::kUint4, "UINT4", 4, std::nullopt},
    {TensorType::kFloat8E4m3fn, "FLOAT8_E4M3FN", 8, std::nullopt},
    {TensorType::kFloat8E5m2, "FLOAT8_E5M2", 8, std::nullopt},
}};

constexpr bool type_rows_match_enum() {
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (static_cast<size_t>(kTypes[i].type) != i) return false;
  }
  return true;
}
static_assert(type_rows_match_enum());

const TypeRow& row(TensorType type) {
  const auto index = static_cast<size_t>(type);
  check(index < kTypes.size(), "tensor type outside the enumeration");
  return kTypes[index];
}

template <typename Enum, size_t kCount>
std::string_view name_at(Enum value, const std::array<std::string_view, kCount>& names) {
  const auto index = static_cast<size_t>(value);
  return index < kCount ? names[index] : "?";
}

}  // namespace

TensorType tensor_type(DType dtype) {
  for (const TypeRow& candidate : kTypes) {
    if (candidate.dtype == dtype) return candidate.type;
  }
  internal_error("a dtype without a TFLite tensor type");
}

std::optional<DType> dtype_of(TensorType type) {
  return row(type).dtype;
}
std::string_view to_string(TensorType type) {
  return row(type).name;
}
int bits_per_element(TensorType type) {
  return row(type).num_bits;
}

std::string_view to_string(Padding value) {
  return name_at(value, std::array<std::string_view, 2>{"SAME", "VALID"});
}
std::string_view to_string(Activation value) {
  return name_at(value, std::array<std::string_view, 6>{"NONE", "RELU", "RELU_N1_TO_1", "RELU6",
                                                        "TANH", "SIGN_BIT"});
}
std::string_view to_string(FullyConnectedWeightsFormat value) {
  return name_at(value, std::array<std::string_view, 2>{"DEFAULT", "SHUFFLED4x16INT8"});
}
std::string_view to_string(LstmKernelType value) {
  return name_at(value, std::array<std::string_view, 2>{"FULL", "BASIC"});
}
std::string_view to_string(LshProjectionType value) {
  return name_at(value, std::array<std::string_view, 3>{"UNKNOWN", "SPARSE", "DENSE"});
}
std::string_view to_string(CombinerType value) {
  return name_at(value, std::array<std::string_view, 3>{"SUM", "MEAN", "SQRTN"});
}
std::string_view to_string(MirrorPadMode value) {
  return name_at(value, std::array<std::string_view, 2>{"REFLECT", "SYMMETRIC"});
}
std::string_view to_string(RngAlgorithm value) {
  return name_at(value, std::array<std::string_view, 3>{"DEFAULT", "PHILOX", "THREEFRY"});
}

}  // namespace ferryman::tflite
