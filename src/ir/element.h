// Reading and writing one element of any dtype:
//
#pragma once

#include <cstddef>
#include <cstdint>

#include "ir/dtype.h"

namespace ferryman {

// The dtype of a C++ type; f16, bf16, bool and complex have none of their own.
template <typename T>
inline constexpr DType kDTypeOf = [] {
  static_assert(sizeof(T) == 0, "no dtype for this type");
  return DType::kF32;
}();
template <>
inline constexpr DType kDTypeOf<float> = DType::kF32;
template <>
inline constexpr DType kDTypeOf<double> = DType::kF64;
template <>
inline constexpr DType kDTypeOf<int8_t> = DType::kI8;
template <>
inline constexpr DType kDTypeOf<int16_t> = DType::kI16;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::kI32;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::kI64;
template <>
inline constexpr DType kDTypeOf<uint8_t> = DType::kU8;
template <>
inline constexpr DType kDTypeOf<uint16_t> = DType::kU16;
template <>
inline constexpr DType kDTypeOf<uint32_t> = DType::kU32;
template <>
inline constexpr DType kDTypeOf<uint64_t> = DType::kU64;

// As torch converts: floats to integers truncate, anything but zero is true, f64 to f16 and bf16
// round to nearest even, a real number stored as complex gets the imaginary part 0. Only real
// dtypes are loaded.
double load_double(DType dtype, const std::byte* element);
int64_t load_int(DType dtype, const std::byte* element);
void store_double(DType dtype, double value, std::byte* element);
void store_int(DType dtype, int64_t value, std::byte* element);

}  // namespace ferryman
