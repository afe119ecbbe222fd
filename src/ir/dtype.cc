#include "ir/dtype.h"

#include <array>

namespace ferryman {

namespace {

enum class Kind : uint8_t { kFloat, kSigned, kUnsigned, kBool, kComplex };

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::string_view torch_name;
  int64_t num_bytes;
  Kind kind;
};

constexpr std::array<DTypeRow, kNumDTypes> kRows = {{
    {DType::kF16, "f16", "float16", 2, Kind::kFloat},
    {DType::kBF16, "bf16", "bfloat16", 2, Kind::kFloat},
    {DType::kF32, "f32", "float32", 4, Kind::kFloat},
    {DType::kF64, "f64", "float64", 8, Kind::kFloat},
    {DType::kI8, "i8", "int8", 1, Kind::kSigned},
    {DType::kI16, "i16", "int16", 2, Kind::kSigned},
    {DType::kI32, "i32", "int32", 4, Kind::kSigned},
    {DType::kI64, "i64", "int64", 8, Kind::kSigned},
    {DType::kU8, "u8", "uint8", 1, Kind::kUnsigned},
    {DType::kU16, "u16", "uint16", 2, Kind::kUnsigned},
    {DType::kU32, "u32", "uint32", 4, Kind::kUnsigned},
    {DType::kU64, "u64", "uint64", 8, Kind::kUnsigned},
    {DType::kBool, "bool", "bool", 1, Kind::kBool},
    {DType::kC64, "c64", "complex64", 8, Kind::kComplex},
    {DType::kC128, "c128", "complex128", 16, Kind::kComplex},
}};

constexpr bool rows_match_enum() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].dtype) != i) return false;
  }
  return true;
}
static_assert(rows_match_enum());

const DTypeRow& row(DType dtype) {
  return kRows[static_cast<size_t>(dtype)];
}

}  // namespace

int64_t byte_size(DType dtype) {
  return row(dtype).num_bytes;
}
std::string_view to_string(DType dtype) {
  return row(dtype).name;
}
std::string_view torch_name(DType dtype) {
  return row(dtype).torch_name;
}

std::optional<DType> dtype_from_string(std::string_view name) {
  for (const DTypeRow& candidate : kRows) {
    if (candidate.name == name) return candidate.dtype;
  }
  return std::nullopt;
}

bool is_floating(DType dtype) {
  return row(dtype).kind == Kind::kFloat;
}
bool is_integer(DType dtype) {
  return row(dtype).kind == Kind::kSigned || row(dtype).kind == Kind::kUnsigned;
}
bool is_signed_integer(DType dtype) {
  return row(dtype).kind == Kind::kSigned;
}
bool is_complex(DType dtype) {
  return row(dtype).kind == Kind::kComplex;
}

}  // namespace ferryman
