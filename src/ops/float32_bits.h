// How a float32 lies in its 32 bits: a sign, eight bits of exponent, and the mantissa.
#pragma once

#include <cstdint>

namespace ferryman {

constexpr int kFloat32MantissaBits = 23;
constexpr int64_t kFloat32ExponentMask = int64_t{0xff} << kFloat32MantissaBits;
constexpr int kFloat32ExponentBias = 127;

}  // namespace ferryman
