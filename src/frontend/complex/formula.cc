#include "frontend/complex/formula.h"

#include <algorithm>
#include <array>

namespace ferryman::frontend {

ValueId Formula::op(OpName name, std::initializer_list<ValueId> operands,
                    std::initializer_list<NamedAttr> attrs) {
  const bool valid = std::all_of(operands.begin(), operands.end(),
                                 [](ValueId operand) { return operand.valid(); });
  if (!valid || !error_.ok()) return {};
  return keep(call_.emit(name, operands, attrs));
}

ValueId Formula::keep(Result<ValueId> step) {
  if (step.ok()) return *step;
  if (error_.ok()) error_ = std::move(step).diag();
  return {};
}

ValueId Formula::scaled(ValueId a, double factor) {
  if (!a.valid() || factor == 1) return a;
  return mul(a, number(a, factor));
}

ValueId Formula::number(ValueId like, double number) {
  return like.valid() ? scalar_like(call_, like, number) : ValueId();
}

ValueId Formula::zeros_like(ValueId like) {
  if (!like.valid()) return {};
  const DType dtype = dtype_of(call_, like);
  return call_.builder().constant(TensorData::filled(dtype, sizes_of(call_, like), 0), "zeros");
}

ComplexValue Formula::add(const ComplexValue& a, const ComplexValue& b) {
  return {add(a.real, b.real), add_or_either(a.imag, b.imag), {}};
}

ValueId Formula::add_or_either(ValueId a, ValueId b) {
  if (!a.valid() || !b.valid()) return a.valid() ? a : b;
  return add(a, b);
}

ComplexValue Formula::sub(const ComplexValue& a, const ComplexValue& b) {
  const ValueId negated = b.imag.valid() && !a.imag.valid() ? neg(b.imag) : ValueId();
  const ValueId imag = a.imag.valid() && b.imag.valid() ? sub(a.imag, b.imag) : negated;
  return {sub(a.real, b.real), imag.valid() ? imag : a.imag, {}};
}

ComplexValue Formula::mul(const ComplexValue& a, const ComplexValue& b) {
  if (!a.imag.valid()) return {mul(a.real, b.real), mul(a.real, b.imag), {}};
  if (!b.imag.valid()) return {mul(a.real, b.real), mul(a.imag, b.real), {}};
  return {sub(mul(a.real, b.real), mul(a.imag, b.imag)),
          add(mul(a.real, b.imag), mul(a.imag, b.real)),
          {}};
}

// a conj(b) / |b|^2 with b scaled to about 1, so that no square leaves the range.
ComplexValue Formula::div(const ComplexValue& a, const ComplexValue& b) {
  if (!b.imag.valid()) return {div(a.real, b.real), div(a.imag, b.real), {}};
  const ValueId scale = op(ops::kMaximum, {op(ops::kAbs, {b.real}), op(ops::kAbs, {b.imag})});
  const ComplexValue unit{div(b.real, scale), div(b.imag, scale), {}};
  const ValueId size = mul(add(square(unit.real), square(unit.imag)), scale);
  const ComplexValue product = mul(a, conj(unit));
  return {div(product.real, size), div(product.imag, size), {}};
}

ComplexValue Formula::scaled(const ComplexValue& z, double factor) {
  if (factor == 1) return z;
  return {scaled(z.real, factor), scaled(z.imag, factor), {}};
}

ComplexValue Formula::polar(ValueId radius, ValueId angle) {
  return {mul(radius, op(ops::kCos, {angle})), mul(radius, op(ops::kSin, {angle})), {}};
}

ValueId Formula::abs(const ComplexValue& z) {
  return sqrt(add(square(z.real), square(z.imag)));
}

ValueId Formula::angle(const ComplexValue& z) {
  return op(ops::kAtan2, {z.imag, z.real});
}

ValueId Formula::pair(const ComplexValue& z) {
  if (z.pair.valid()) return z.pair;
  if (!z.real.valid() || !z.imag.valid()) return {};
  Ints shape = sizes_of(call_, z.real);
  const auto axis = static_cast<int64_t>(shape.size());
  shape.push_back(1);
  const std::array parts = {keep(emit_reshape(call_, z.real, shape)),
                            keep(emit_reshape(call_, z.imag, shape))};
  if (!error_.ok()) return {};
  return keep(emit_concat(call_, parts, axis));
}

Result<ValueId> Formula::result(ValueId value) const {
  if (!error_.ok()) return error_.diag();
  return value;
}

Result<ComplexValue> Formula::result(const ComplexValue& z) const {
  if (!error_.ok()) return error_.diag();
  return z;
}

Result<ComplexValue> unpack_pair(ImportContext& call, ValueId pair) {
  const Ints shape = sizes_of(call, pair);
  if (shape.empty() || shape.back() != 2)
    return call.unsupported("the last axis of pairs of numbers has two entries");
  const auto axis = static_cast<int64_t>(shape.size()) - 1;
  FERRYMAN_TRY(const ValueId real, emit_select(call, pair, axis, 0));
  FERRYMAN_TRY(const ValueId imag, emit_select(call, pair, axis, 1));
  return ComplexValue{real, imag, pair};
}

}  // namespace ferryman::frontend
