#include "frontend/pt2/enums.h"

#include <algorithm>
#include <iterator>

namespace ferryman::frontend {

namespace {

struct NumberedScalarType {
  int64_t number;
  ScalarTypeRow row;
};

constexpr NumberedScalarType kScalarTypes[] = {
    {1, {"uint8", DType::kU8}},
    {2, {"int8", DType::kI8}},
    {3, {"int16", DType::kI16}},
    {4, {"int32", DType::kI32}},
    {5, {"int64", DType::kI64}},
    {6, {"float16", DType::kF16}},
    {7, {"float32", DType::kF32}},
    {8, {"float64", DType::kF64}},
    {9, {"complex32", std::nullopt}},
    {10, {"complex64", DType::kC64}},
    {11, {"complex128", DType::kC128}},
    {12, {"bool", DType::kBool}},
    {13, {"bfloat16", DType::kBF16}},
    {28, {"uint16", DType::kU16}},
    {29, {"float8_e4m3fn", std::nullopt}},
    {30, {"float8_e5m2", std::nullopt}},
    {31, {"float8_e4m3fnuz", std::nullopt}},
    {32, {"float8_e5m2fnuz", std::nullopt}},
    {33, {"float8_e8m0fnu", std::nullopt}},
    {34, {"uint32", DType::kU32}},
    {35, {"uint64", DType::kU64}},
};

// By number; 0 means unknown.
constexpr std::string_view kLayouts[] = {"",           "sparse_coo", "sparse_csr", "sparse_csc",
                                         "sparse_bsr", "sparse_bsc", "_mkldnn",    "strided"};
constexpr std::string_view kMemoryFormats[] = {"", "contiguous_format", "channels_last",
                                               "channels_last_3d", "preserve_format"};

}  // namespace

const ScalarTypeRow* find_scalar_type(int64_t number) {
  const auto* found = std::find_if(std::begin(kScalarTypes), std::end(kScalarTypes),
                                   [&](const auto& row) { return row.number == number; });
  return found == std::end(kScalarTypes) ? nullptr : &found->row;
}

std::optional<std::string_view> layout_name(int64_t number) {
  if (number < 1 || number >= std::ssize(kLayouts)) return std::nullopt;
  return kLayouts[number];
}

std::optional<std::string_view> memory_format_name(int64_t number) {
  if (number < 1 || number >= std::ssize(kMemoryFormats)) return std::nullopt;
  return kMemoryFormats[number];
}

}  // namespace ferryman::frontend
