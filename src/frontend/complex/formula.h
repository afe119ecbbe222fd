// Formulas over real core values, and over complex ones as pairs of them.
//
//   Formula f(call);
//   const ValueId size = f.sqrt(f.add(f.square(z.real), f.square(z.imag)));
//   return f.result(size);
//
// Invariants: the first op that does not fit its operands is kept as the error, and nothing is
// appended after it; result() tells of it.
#pragma once

#include <initializer_list>

#include "ops/emit.h"
#include "ops/names.h"

namespace ferryman::frontend {

class Formula {
 public:
  explicit Formula(ImportContext& call) : call_(call), error_(Status()) {}

  ValueId op(OpName name, std::initializer_list<ValueId> operands,
             std::initializer_list<NamedAttr> attrs = {});
  // A step of emit.h.
  ValueId keep(Result<ValueId> step);

  ValueId add(ValueId a, ValueId b) { return op(ops::kAdd, {a, b}); }
  ValueId sub(ValueId a, ValueId b) { return op(ops::kSub, {a, b}); }
  ValueId mul(ValueId a, ValueId b) { return op(ops::kMul, {a, b}); }
  ValueId div(ValueId a, ValueId b) { return op(ops::kDiv, {a, b}); }
  ValueId neg(ValueId a) { return op(ops::kNeg, {a}); }
  ValueId square(ValueId a) { return op(ops::kSquare, {a}); }
  ValueId sqrt(ValueId a) { return op(ops::kSqrt, {a}); }
  ValueId scaled(ValueId a, double factor);
  ValueId number(ValueId like, double number);
  ValueId zeros_like(ValueId like);

  // Complex numbers. An invalid imaginary part is that of a real number: 0.
  ComplexValue add(const ComplexValue& a, const ComplexValue& b);
  ComplexValue sub(const ComplexValue& a, const ComplexValue& b);
  ComplexValue mul(const ComplexValue& a, const ComplexValue& b);
  ComplexValue div(const ComplexValue& a, const ComplexValue& b);
  ComplexValue scaled(const ComplexValue& z, double factor);
  ComplexValue times_i(const ComplexValue& z) { return {neg(z.imag), z.real, {}}; }
  ComplexValue conj(const ComplexValue& z) { return {z.real, neg(z.imag), {}}; }
  ComplexValue polar(ValueId radius, ValueId angle);
  ValueId abs(const ComplexValue& z);
  ValueId angle(const ComplexValue& z);
  // [..., 2]
  ValueId pair(const ComplexValue& z);

  Result<ValueId> result(ValueId value) const;
  Result<ComplexValue> result(const ComplexValue& z) const;

 private:
  ValueId add_or_either(ValueId a, ValueId b);

  ImportContext& call_;
  Status error_;
};

// The complex value of a real tensor [..., 2].
Result<ComplexValue> unpack_pair(ImportContext& call, ValueId pair);

}  // namespace ferryman::frontend
