#include "ops/exact_division.h"

#include "ops/attrs.h"
#include "ops/float32_bits.h"
#include "ops/names.h"
#include "ops/special_names.h"

namespace ferryman {

namespace {

ValueId cast(Builder& builder, ValueId x, DType dtype) {
  return builder.create(ops::kCast, {x}, {{attr::kDType, dtype}});
}

// The exponent of a power of two, which float32 holds.
ValueId trailing_zeros(Builder& builder, ValueId power) {
  const auto int32 = [&](double number) { return builder.scalar(DType::kI32, number); };
  const ValueId bits = builder.create(ops::kBitcast, {cast(builder, power, DType::kF32)},
                                      {{attr::kDType, DType::kI32}});
  const ValueId field = builder.create(ops::kBitwiseAnd, {bits, int32(kFloat32ExponentMask)});
  const ValueId biased = builder.create(ops::kShiftRight, {field, int32(kFloat32MantissaBits)});
  // The sign of -2^63 lies above the exponent's field, which the mask has taken away.
  return cast(builder, builder.create(ops::kSub, {biased, int32(kFloat32ExponentBias)}),
              DType::kI64);
}

}  // namespace

// The odd part of b has an inverse modulo 2^64, found by Newton's iteration (each step doubles the
// right bits, and an odd number is its own inverse in 3 of them); the even part is a shift.
ValueId exact_quotient(Builder& builder, ValueId a, ValueId b) {
  constexpr int kSteps = 5;
  const ValueId two = builder.scalar(DType::kI64, 2);
  const ValueId negated = builder.create(ops::kNeg, {b});
  const ValueId zeros = trailing_zeros(builder, builder.create(ops::kBitwiseAnd, {b, negated}));
  const ValueId odd = builder.create(ops::kShiftRight, {b, zeros});
  ValueId inverse = odd;
  for (int step = 0; step < kSteps; ++step) {
    const ValueId product = builder.create(ops::kMul, {odd, inverse});
    const ValueId correction = builder.create(ops::kSub, {two, product});
    inverse = builder.create(ops::kMul, {inverse, correction});
  }
  const ValueId quotient = builder.create(ops::kMul, {a, inverse});
  return builder.create(ops::kShiftRight, {quotient, zeros});
}

}  // namespace ferryman
