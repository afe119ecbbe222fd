// The discrete Fourier transform along the last axis, as products with constant matrices. A long
// one is split into two short ones with a turn of each entry between them (Cooley and Tukey).
//
//   Dft dft(call);
//   return complex_result(dft.transform(x, {.size = 512, .outputs = 257, .sign = -1}));
//
// The numbers in the matrices are rounded once, from double precision.
#pragma once

#include "frontend/complex/formula.h"

namespace ferryman::frontend {

// X[k] = scale * sum over j of x[j] exp(sign * 2 pi i * j k / size), for k below `outputs`. Entries
// of x that are missing are 0.
struct Transform {
  int64_t size = 1;
  int64_t outputs = 1;
  int sign = -1;
  double scale = 1;
};

class Dft : public Formula {
 public:
  explicit Dft(ImportContext& call) : Formula(call.writer()), call_(call) {}

  // x [..., <= size]; without an imaginary part it is real.
  ComplexValue transform(const ComplexValue& x, const Transform& t);
  // The real result of all `size` outputs, from the first half of a spectrum whose other half is
  // its mirrored conjugate.
  ValueId real_transform(const ComplexValue& half, const Transform& t);
  // By any axis: moved last, `step` applied, moved back.
  ValueId to_last(ValueId x, int64_t axis);
  ValueId from_last(ValueId x, int64_t axis);

 private:
  ComplexValue transform_directly(const ComplexValue& x, const Transform& t);
  ComplexValue transform_split(const ComplexValue& x, const Transform& t, int64_t first);
  ValueId real_directly(const ComplexValue& half, const Transform& t);
  ComplexValue mirrored(const ComplexValue& half, int64_t size);
  ValueId product(ValueId x, const std::vector<double>& weight, int64_t outputs);
  ValueId joined(ValueId a, ValueId b) { return concat({a, b}, rank(a) - 1); }
  ValueId padded(ValueId x, int64_t size);
  ValueId swap_last_two(ValueId x);
  ValueId reshaped_last(ValueId x, size_t dropped, const Ints& last);
  int64_t last_size(ValueId x) { return sizes(x).back(); }

  ImportContext& call_;
};

}  // namespace ferryman::frontend
