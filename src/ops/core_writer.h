// Writes core ops: the one vocabulary of import functions, formulas, rewrite rules and
// decompositions.
//
//   CoreWriter write(rewriter);
//   const ValueId shifted = write.add(x, 3.0);            // a scalar constant of x's dtype
//   rewriter.replace_value(result, write.mul(write.unary(ops::kRelu6, shifted), 1.0 / 6));
//
// Copies are cheap, and write in the same place; functions take a writer by value.
//
// Invariants: a step that would change nothing (a reshape to the same dims, a product with 1)
// returns its operand. An op that does not fit its operands is a mistake of ours, and ends the
// program, unless the writer was made with a place for errors, as that of an import function is: a
// program may be malformed. Then the first error is kept, and from there on every step gives an
// invalid value and appends nothing; whoever owns the place reads it once, at the end. Until then
// an invalid value may be asked for its type like any other.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/builder.h"

namespace ferryman {

class CoreWriter {
 public:
  explicit CoreWriter(Builder& builder) : builder_(&builder) {}
  // `error` must outlive the writer and its copies.
  CoreWriter(Builder& builder, Status& error) : builder_(&builder), error_(&error) {}

  Builder& builder() const { return *builder_; }
  const Graph& graph() const { return builder_->graph(); }
  // Keeps the error, unless there is one already.
  void fail(Diag diag) const;
  // The same of what has no form, at the current place; returns an invalid value.
  ValueId refuse(std::string what) const;
  bool has_failed() const { return error_ != nullptr && !error_->ok(); }

  // ---- what a value is ----

  // Of an invalid value: one with more axes than any tensor has, each of size 1.
  const TensorType& type(ValueId value) const;
  const Dims& dims(ValueId value) const { return type(value).dims; }
  DType dtype(ValueId value) const { return type(value).dtype; }
  size_t rank(ValueId value) const { return type(value).rank(); }
  bool is_constant(ValueId value) const;
  Dim dim(ValueId value, int64_t axis) const { return dims(value)[static_cast<size_t>(axis)]; }
  // Of all its elements.
  Dim num_elements(ValueId value) const { return symbols().product(dims(value)); }
  // The same as numbers: SizeError of a free one.
  Ints sizes(ValueId value) const;
  int64_t size(ValueId value, int64_t axis) const;
  // Arithmetic on sizes.
  SymbolTable& symbols() const { return builder_->symbols(); }

  // ---- any op ----

  // The first result.
  ValueId op(OpName name, std::initializer_list<ValueId> operands,
             std::initializer_list<NamedAttr> attrs = {}) const;
  ValueId op(OpName name, std::span<const ValueId> operands,
             std::span<const NamedAttr> attrs = {}) const;
  std::vector<ValueId> all_results(OpName name, std::span<const ValueId> operands,
                                   std::span<const NamedAttr> attrs = {}) const;

  // ---- element by element ----

  ValueId unary(OpName name, ValueId x) const { return op(name, {x}); }
  ValueId binary(OpName name, ValueId a, ValueId b) const { return op(name, {a, b}); }
  ValueId binary(OpName name, ValueId a, double b) const { return binary(name, a, scalar(a, b)); }
  ValueId neg(ValueId x) const;
  ValueId abs(ValueId x) const;
  ValueId square(ValueId x) const;
  ValueId sqrt(ValueId x) const;
  ValueId exp(ValueId x) const;
  ValueId log(ValueId x) const;
  ValueId add(ValueId a, ValueId b) const;
  ValueId add(ValueId a, double b) const;
  ValueId sub(ValueId a, ValueId b) const;
  ValueId sub(ValueId a, double b) const;
  ValueId mul(ValueId a, ValueId b) const;
  ValueId mul(ValueId a, double b) const;
  ValueId div(ValueId a, ValueId b) const;
  ValueId div(ValueId a, double b) const;
  ValueId where(ValueId condition, ValueId x, ValueId other) const;
  ValueId where(ValueId condition, ValueId x, double other) const;
  ValueId where(ValueId condition, double x, ValueId other) const;
  ValueId cast(ValueId x, DType dtype) const;
  // Coefficients from the highest power down, by Horner's rule.
  ValueId polynomial(ValueId x, const std::vector<double>& coefficients) const;

  // ---- shapes ----

  ValueId reshape(ValueId x, Dims dims) const;
  // A size that is none is found from the others.
  ValueId reshape_to(ValueId x, const std::vector<std::optional<Dim>>& shape) const;
  // A size of -1 is found from the others.
  ValueId reshape(ValueId x, const Ints& shape) const;
  ValueId reshape(ValueId x, std::initializer_list<int64_t> shape) const;
  // Result axis i is operand axis perm[i].
  ValueId permute(ValueId x, Ints perm) const;
  // Broadcasts to `dims`, which may have more axes on the left.
  ValueId expand(ValueId x, Dims dims) const;
  ValueId expand(ValueId x, const Ints& shape) const;
  ValueId expand(ValueId x, std::initializer_list<int64_t> shape) const;
  // [starts, ends) of each axis, `steps` apart (all 1 if empty).
  ValueId slice(ValueId x, Dims starts, Dims ends, Ints steps = {}) const;
  // The elements [begin, end) of one axis.
  ValueId slice_axis(ValueId x, size_t axis, Dim begin, Dim end, int64_t step = 1) const;
  // One index of an axis, which disappears.
  ValueId select(ValueId x, size_t axis, Dim index) const;
  ValueId pad(ValueId x, Ints before, Ints after, double value) const;
  ValueId flip(ValueId x, size_t axis) const;
  ValueId concat(std::span<const ValueId> parts, size_t axis) const;
  ValueId concat(std::initializer_list<ValueId> parts, size_t axis) const;
  ValueId gather(ValueId x, size_t axis, const std::vector<int32_t>& indices) const;
  // The axes of the indices take the place of that axis.
  ValueId gather(ValueId x, size_t axis, ValueId indices) const;

  // ---- sums ----

  ValueId reduce(OpName name, ValueId x, Ints axes, bool keepdim) const;
  // Without a bias if that is an invalid id.
  ValueId linear(ValueId x, ValueId weight, ValueId bias) const;
  // x with the matrix [out, in] applied along one axis.
  ValueId apply_matrix(ValueId x, size_t axis, TensorData matrix) const;

  // ---- constants ----

  // A rank-0 constant of like's dtype.
  ValueId scalar(ValueId like, double value) const;
  ValueId scalar(DType dtype, double value) const { return builder_->scalar(dtype, value); }
  // A constant of `dtype` with these row-major elements.
  ValueId constant(DType dtype, Ints shape, const std::vector<double>& values,
                   std::string name) const;
  ValueId constant(TensorData data, std::string name) const;
  // int32: 0, 1, … below `count`.
  ValueId numbers(Dim count, std::string name) const;
  // The same along one axis of `rank`, the others being of size 1.
  ValueId numbers_along(Dim count, size_t rank, size_t axis, std::string name) const;
  // A tensor of one number, that many times.
  ValueId filled(DType dtype, Dims dims, double value, std::string name) const;
  // A size as a rank-0 tensor of `dtype`.
  ValueId size_value(Dim size, DType dtype) const;
  // int64
  ValueId indices(Ints shape, const Ints& values) const;

 private:
  Builder* builder_;
  Status* error_ = nullptr;  // null: errors are ours
};

// All positions of [0, rank).
Ints iota_axes(size_t rank);
// `values` after `count` times `first`.
Ints prefixed(const Ints& values, int64_t first, size_t count);

}  // namespace ferryman
