// Element types of tensors. Spelled f32, i64, bool, … in IR text and messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ferryman {

enum class DType : uint8_t {
  kF16,
  kBF16,
  kF32,
  kF64,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kBool,
  kC64,
  kC128,
};
inline constexpr int kNumDTypes = 15;

int64_t byte_size(DType dtype);
std::string_view to_string(DType dtype);                   // "f32"
std::string_view torch_name(DType dtype);                  // "float32", as users know it
std::optional<DType> dtype_from_string(std::string_view);  // inverse of to_string

bool is_floating(DType dtype);  // f16 bf16 f32 f64
bool is_integer(DType dtype);   // i8..i64, u8..u64; not bool
bool is_signed_integer(DType dtype);
bool is_complex(DType dtype);

}  // namespace ferryman
