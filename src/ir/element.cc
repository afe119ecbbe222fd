#include "ir/element.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "support/check.h"

namespace ferryman {

namespace {

template <typename T>
T load(const std::byte* element) {
  T value;
  std::memcpy(&value, element, sizeof(T));
  return value;
}

template <typename T>
void store(T value, std::byte* element) {
  std::memcpy(element, &value, sizeof(T));
}

// IEEE 754 binary16 and bfloat16 differ from binary32 in field widths only.
double half_to_double(uint16_t bits) {
  const int sign = bits >> 15;
  const int exponent = (bits >> 10) & 0x1f;
  const int mantissa = bits & 0x3ff;
  double magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = mantissa == 0 ? std::numeric_limits<double>::infinity()
                              : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, -24);
  } else {
    magnitude = std::ldexp(mantissa + 0x400, exponent - 25);
  }
  return sign != 0 ? -magnitude : magnitude;
}

uint16_t double_to_half(double value) {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00);
  const double magnitude = std::fabs(value);
  constexpr double kOverflow = 65520;  // halfway between the largest half and the next power
  if (magnitude >= kOverflow) return static_cast<uint16_t>(sign | 0x7c00);
  constexpr double kSmallestNormal = 0x1p-14;
  if (magnitude < kSmallestNormal) {
    return static_cast<uint16_t>(sign |
                                 static_cast<int>(std::nearbyint(std::ldexp(magnitude, 24))));
  }
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);                          // in [0.5, 1)
  const auto mantissa = static_cast<int>(std::nearbyint(std::ldexp(fraction, 11)));  // 1024..2048
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + mantissa - 0x400));
}

uint16_t float_to_bfloat16(float value) {
  if (std::isnan(value)) return 0x7fc0;
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t round = 0x7fff + ((bits >> 16) & 1);
  return static_cast<uint16_t>((bits + round) >> 16);
}

double bfloat16_to_double(uint16_t bits) {
  return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits) << 16));
}

}  // namespace

double load_double(DType dtype, const std::byte* element) {
  switch (dtype) {
    case DType::kF16:
      return half_to_double(load<uint16_t>(element));
    case DType::kBF16:
      return bfloat16_to_double(load<uint16_t>(element));
    case DType::kF32:
      return static_cast<double>(load<float>(element));
    case DType::kF64:
      return load<double>(element);
    case DType::kU64:
      return static_cast<double>(load<uint64_t>(element));
    case DType::kI8:
    case DType::kI16:
    case DType::kI32:
    case DType::kI64:
    case DType::kU8:
    case DType::kU16:
    case DType::kU32:
    case DType::kBool:
      return static_cast<double>(load_int(dtype, element));
    case DType::kC64:
    case DType::kC128:
      break;
  }
  internal_error("a complex element read as a real number");
}

int64_t load_int(DType dtype, const std::byte* element) {
  switch (dtype) {
    case DType::kI8:
      return load<int8_t>(element);
    case DType::kI16:
      return load<int16_t>(element);
    case DType::kI32:
      return load<int32_t>(element);
    case DType::kI64:
      return load<int64_t>(element);
    case DType::kU8:
      return load<uint8_t>(element);
    case DType::kU16:
      return load<uint16_t>(element);
    case DType::kU32:
      return load<uint32_t>(element);
    case DType::kU64:
      return static_cast<int64_t>(load<uint64_t>(element));
    case DType::kBool:
      return load<uint8_t>(element) != 0 ? 1 : 0;
    case DType::kF16:
    case DType::kBF16:
    case DType::kF32:
    case DType::kF64: {
      const double value = load_double(dtype, element);
      constexpr double kLimit = 0x1p63;
      // Out of range is undefined in torch as well; stay defined here.
      if (!(value >= -kLimit && value < kLimit)) return std::numeric_limits<int64_t>::min();
      return static_cast<int64_t>(value);
    }
    case DType::kC64:
    case DType::kC128:
      break;
  }
  internal_error("a complex element read as an integer");
}

void store_int(DType dtype, int64_t value, std::byte* element) {
  switch (dtype) {
    case DType::kI8:
    case DType::kU8:
      return store(static_cast<uint8_t>(value), element);
    case DType::kI16:
    case DType::kU16:
      return store(static_cast<uint16_t>(value), element);
    case DType::kI32:
    case DType::kU32:
      return store(static_cast<uint32_t>(value), element);
    case DType::kI64:
    case DType::kU64:
      return store(static_cast<uint64_t>(value), element);
    case DType::kBool:
      return store(static_cast<uint8_t>(value != 0), element);
    case DType::kF32:
      return store(static_cast<float>(value), element);
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64:
      return store_double(dtype, static_cast<double>(value), element);
    case DType::kC64:
    case DType::kC128:
      return store_double(dtype, static_cast<double>(value), element);
  }
}

void store_double(DType dtype, double value, std::byte* element) {
  switch (dtype) {
    case DType::kF16:
      return store(double_to_half(value), element);
    case DType::kBF16:
      return store(float_to_bfloat16(static_cast<float>(value)), element);
    case DType::kF32:
      return store(static_cast<float>(value), element);
    case DType::kF64:
      return store(value, element);
    case DType::kBool:
      return store(static_cast<uint8_t>(value != 0 ? 1 : 0), element);
    case DType::kI8:
    case DType::kI16:
    case DType::kI32:
    case DType::kI64:
    case DType::kU8:
    case DType::kU16:
    case DType::kU32:
    case DType::kU64: {
      std::byte wide[sizeof(double)];
      store(value, wide);
      return store_int(dtype, load_int(DType::kF64, wide), element);
    }
    case DType::kC64:
      store(static_cast<float>(value), element);
      return store(0.0F, element + sizeof(float));
    case DType::kC128:
      store(value, element);
      return store(0.0, element + sizeof(double));
  }
}

}  // namespace ferryman
