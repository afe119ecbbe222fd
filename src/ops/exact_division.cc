#include "ops/exact_division.h"

#include "ops/attrs.h"
#include "ops/float32_bits.h"
#include "ops/names.h"
#include "ops/special/special_names.h"

namespace ferryman {

namespace {

// The exponent of a power of two, which float32 holds.
ValueId trailing_zeros(CoreWriter write, ValueId power) {
  const ValueId bits =
      write.op(ops::kBitcast, {write.cast(power, DType::kF32)}, {{attr::kDType, DType::kI32}});
  const ValueId field = write.binary(ops::kBitwiseAnd, bits, kFloat32ExponentMask);
  const ValueId biased = write.binary(ops::kShiftRight, field, kFloat32MantissaBits);
  // The sign of -2^63 lies above the exponent's field, which the mask has taken away.
  return write.cast(write.sub(biased, kFloat32ExponentBias), DType::kI64);
}

}  // namespace

// The odd part of b has an inverse modulo 2^64, found by Newton's iteration (each step doubles the
// right bits, and an odd number is its own inverse in 3 of them); the even part is a shift.
ValueId exact_quotient(CoreWriter write, ValueId a, ValueId b) {
  constexpr int kSteps = 5;
  const ValueId two = write.scalar(b, 2);
  const ValueId zeros = trailing_zeros(write, write.binary(ops::kBitwiseAnd, b, write.neg(b)));
  const ValueId odd = write.binary(ops::kShiftRight, b, zeros);
  ValueId inverse = odd;
  for (int step = 0; step < kSteps; ++step)
    inverse = write.mul(inverse, write.sub(two, write.mul(odd, inverse)));
  return write.binary(ops::kShiftRight, write.mul(a, inverse), zeros);
}

}  // namespace ferryman
