#include "frontend/complex/formula.h"

namespace ferryman::frontend {

ComplexValue Formula::add(const ComplexValue& a, const ComplexValue& b) const {
  const ValueId real = add(a.real, b.real);
  if (a.imag.valid() && b.imag.valid()) return {real, add(a.imag, b.imag), {}};
  return {real, a.imag.valid() ? a.imag : b.imag, {}};
}

ComplexValue Formula::sub(const ComplexValue& a, const ComplexValue& b) const {
  const ValueId real = sub(a.real, b.real);
  if (!b.imag.valid()) return {real, a.imag, {}};
  return {real, a.imag.valid() ? sub(a.imag, b.imag) : neg(b.imag), {}};
}

ComplexValue Formula::mul(const ComplexValue& a, const ComplexValue& b) const {
  if (!a.imag.valid()) return each(b, [&](ValueId part) { return mul(a.real, part); });
  if (!b.imag.valid()) return each(a, [&](ValueId part) { return mul(part, b.real); });
  return {sub(mul(a.real, b.real), mul(a.imag, b.imag)),
          add(mul(a.real, b.imag), mul(a.imag, b.real)),
          {}};
}

ComplexValue Formula::mul(const ComplexValue& z, double factor) const {
  if (factor == 1) return z;
  return each(z, [&](ValueId part) { return mul(part, factor); });
}

// a conj(b) / |b|^2 with b scaled to about 1, so that no square leaves the range.
ComplexValue Formula::div(const ComplexValue& a, const ComplexValue& b) const {
  const auto divided = [&](const ComplexValue& z, ValueId divisor) {
    return each(z, [&](ValueId part) { return div(part, divisor); });
  };
  if (!b.imag.valid()) return divided(a, b.real);
  const ValueId scale = binary(ops::kMaximum, abs(b.real), abs(b.imag));
  const ComplexValue unit = divided(b, scale);
  const ValueId size = mul(add(square(unit.real), square(unit.imag)), scale);
  return divided(mul(a, conj(unit)), size);
}

ComplexValue Formula::polar(ValueId radius, ValueId angle) const {
  return {mul(radius, unary(ops::kCos, angle)), mul(radius, unary(ops::kSin, angle)), {}};
}

ValueId Formula::abs(const ComplexValue& z) const {
  return sqrt(add(square(z.real), square(z.imag)));
}

ValueId Formula::angle(const ComplexValue& z) const {
  return binary(ops::kAtan2, z.imag, z.real);
}

ValueId Formula::zeros_like(ValueId like) const {
  return filled(dtype(like), dims(like), 0, "zeros");
}

ValueId Formula::pair(const ComplexValue& z) const {
  if (z.pair.valid()) return z.pair;
  Ints shape = sizes(z.real);
  const size_t axis = shape.size();
  shape.push_back(1);
  return concat({reshape(z.real, shape), reshape(z.imag, shape)}, axis);
}

ComplexValue Formula::unpacked(ValueId pair) const {
  const size_t last = rank(pair) - 1;
  return {select(pair, last, 0), select(pair, last, 1), pair};
}

}  // namespace ferryman::frontend
