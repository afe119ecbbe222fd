// Arithmetic on complex values, pairs of real ones, beside what a writer offers for those.
//
//   const Formula f(call.writer());
//   const ComplexValue turned = f.mul(z, f.polar(radius, angle));
//
// An invalid imaginary part is that of a real number: 0.
#pragma once

#include "ops/import.h"
#include "ops/names.h"

namespace ferryman::frontend {

class Formula : public CoreWriter {
 public:
  explicit Formula(CoreWriter writer) : CoreWriter(writer) {}

  using CoreWriter::abs;
  using CoreWriter::add;
  using CoreWriter::div;
  using CoreWriter::mul;
  using CoreWriter::sub;
  ComplexValue add(const ComplexValue& a, const ComplexValue& b) const;
  ComplexValue sub(const ComplexValue& a, const ComplexValue& b) const;
  ComplexValue mul(const ComplexValue& a, const ComplexValue& b) const;
  ComplexValue mul(const ComplexValue& z, double factor) const;
  ComplexValue div(const ComplexValue& a, const ComplexValue& b) const;
  ComplexValue times_i(const ComplexValue& z) const { return {neg(z.imag), z.real, {}}; }
  ComplexValue conj(const ComplexValue& z) const { return {z.real, neg(z.imag), {}}; }
  ComplexValue polar(ValueId radius, ValueId angle) const;
  ValueId abs(const ComplexValue& z) const;
  ValueId angle(const ComplexValue& z) const;
  ValueId zeros_like(ValueId like) const;
  // [..., 2]
  ValueId pair(const ComplexValue& z) const;
  // The complex value of a real tensor [..., 2].
  ComplexValue unpacked(ValueId pair) const;

  // Each part by itself, as far as there is one.
  template <typename Step>
  static ComplexValue each(const ComplexValue& z, Step step) {
    return {step(z.real), z.imag.valid() ? step(z.imag) : ValueId(), {}};
  }
};

}  // namespace ferryman::frontend
