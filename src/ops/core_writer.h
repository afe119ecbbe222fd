// Short spellings for core ops, for code that writes many of them: legalising rules,
// factorisations.
//
//   CoreWriter write(rewriter);
//   const ValueId shifted = write.add(x, 3.0);            // a scalar constant of x's dtype
//   rewriter.replace_value(result, write.mul(write.unary(ops::kRelu6, shifted), 1.0 / 6));
//
// Invariants: nothing here fails; a step that would change nothing (a reshape to the same dims, a
// product with 1) returns its operand.
#pragma once

#include <string>
#include <vector>

#include "ir/builder.h"

namespace ferryman {

class CoreWriter {
 public:
  explicit CoreWriter(Builder& builder) : builder_(&builder) {}

  const TensorType& type(ValueId value) const { return builder_->graph().type(value); }
  const Dims& dims(ValueId value) const { return type(value).dims; }

  ValueId unary(OpName name, ValueId x) { return builder_->create(name, {x}); }
  ValueId binary(OpName name, ValueId a, ValueId b) { return builder_->create(name, {a, b}); }
  ValueId binary(OpName name, ValueId a, double b) { return binary(name, a, scalar(a, b)); }
  ValueId add(ValueId a, ValueId b);
  ValueId add(ValueId a, double b);
  ValueId sub(ValueId a, ValueId b);
  ValueId mul(ValueId a, ValueId b);
  ValueId mul(ValueId a, double b);
  ValueId div(ValueId a, ValueId b);
  // Without a bias if that is an invalid id.
  ValueId linear(ValueId x, ValueId weight, ValueId bias);
  ValueId where(ValueId condition, ValueId x, ValueId other);
  ValueId where(ValueId condition, ValueId x, double other);
  ValueId where(ValueId condition, double x, ValueId other);
  ValueId cast(ValueId x, DType dtype);

  // Coefficients from the highest power down, by Horner's rule.
  ValueId polynomial(ValueId x, const std::vector<double>& coefficients);

  ValueId reshape(ValueId x, Dims dims);
  ValueId permute(ValueId x, Ints perm);
  ValueId expand(ValueId x, Dims dims);
  // [starts, ends) of each axis, `steps` apart (all 1 if empty).
  ValueId slice(ValueId x, Ints starts, Ints ends, Ints steps = {});
  // The elements [begin, end) of one axis.
  ValueId slice_axis(ValueId x, size_t axis, int64_t begin, int64_t end, int64_t step = 1);
  ValueId pad(ValueId x, Ints before, Ints after, double value);
  ValueId flip(ValueId x, size_t axis);
  ValueId concat(const std::vector<ValueId>& parts, size_t axis);
  ValueId reduce(OpName name, ValueId x, Ints axes, bool keepdim);
  ValueId gather(ValueId x, size_t axis, const std::vector<int32_t>& indices);
  // x with the matrix [out, in] applied along one axis.
  ValueId apply_matrix(ValueId x, size_t axis, TensorData matrix);

  // A rank-0 constant of like's dtype.
  ValueId scalar(ValueId like, double value);
  // A constant of `dtype` with these row-major elements.
  ValueId constant(DType dtype, Ints shape, const std::vector<double>& values, std::string name);

 protected:
  Builder& builder() { return *builder_; }

 private:
  Builder* builder_;
};

// All positions of [0, rank).
Ints iota_axes(size_t rank);
// `values` after `count` times `first`.
Ints prefixed(const Ints& values, int64_t first, size_t count);

}  // namespace ferryman
