// The elements of a constant: shared bytes, a shape, strides, and optionally one factor per index
// of an axis. Permuting a weight or scaling its output channels therefore costs O(rank + channels);
// the bytes are read once, when the file is written.
//
//   TensorData weight = TensorData::borrow(blob, DType::kF32, {64, 3, 7, 7}, strides, offset);
//   TensorData ohwi = weight.scaled(0, factors).permuted({0, 2, 3, 1});
//   ohwi.read(0, buffer);                      // row-major bytes of the permuted, scaled tensor
//
// Invariants: every element that shape, strides and offset address lies inside the blob; a scale
// exists for f32 only. An elided constant (from IR text) has shape and hash but no bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ir/attr.h"
#include "ir/dtype.h"
#include "ir/element.h"
#include "support/blob.h"

namespace ferryman {

class TensorData {
 public:
  // Strides and offset in elements. Fails if an element would lie outside the blob.
  static Result<TensorData> strided(BlobRef blob, DType dtype, Ints shape, Ints strides,
                                    int64_t offset);
  static TensorData contiguous(BlobRef blob, DType dtype, Ints shape);
  static TensorData filled(DType dtype, Ints shape, double value);
  static TensorData elided(DType dtype, Ints shape, uint64_t hash);
  static TensorData copy_of(std::span<const std::byte> bytes, DType dtype, Ints shape);
  // A copy of `values`, whose type gives the dtype.
  template <typename T>
  static TensorData of(Ints shape, const std::vector<T>& values) {
    return copy_of(std::as_bytes(std::span(values)), kDTypeOf<T>, std::move(shape));
  }

  DType dtype() const { return dtype_; }
  const Ints& shape() const { return shape_; }
  const Ints& strides() const { return strides_; }
  size_t rank() const { return shape_.size(); }
  int64_t num_elems() const;
  int64_t num_bytes() const { return num_elems() * byte_size(dtype_); }
  bool is_elided() const { return blob_ == nullptr; }
  bool is_contiguous() const;  // row-major without a scale

  // The same elements with axes in another order; perm maps new to old.
  TensorData permuted(const Ints& perm) const;
  // The same elements in row-major order under another shape. Copies only if not contiguous.
  TensorData reshaped(Ints shape) const;
  // Index i of `axis` is multiplied by factors[i] (f32; a second scale on another axis copies).
  TensorData scaled(size_t axis, const std::vector<float>& factors) const;
  // Stride 0 along new or unit axes, as numpy's broadcast_to.
  TensorData broadcast_to(const Ints& shape) const;
  // Along each axis `sizes` elements from `starts`, `steps` (>= 1) apart.
  TensorData sliced(const Ints& starts, const Ints& sizes, const Ints& steps) const;
  // The same elements at every index of the axis, known without reading them.
  bool is_broadcast_along(size_t axis) const;
  // Row-major, no scale; shares the bytes if that already holds.
  TensorData materialised() const;

  // Writes the row-major bytes [begin_elem, begin_elem + out.size() / byte_size) into `out`.
  void read(int64_t begin_elem, std::span<std::byte> out) const;
  // The elements, if contiguous (asserted, also for the type).
  template <typename T>
  std::span<const T> elems() const {
    const std::span<const std::byte> bytes = elem_bytes(kDTypeOf<T>, alignof(T));
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  // All elements converted to double, row-major; for small tensors.
  std::vector<double> to_doubles() const;
  // As to_doubles, exact for integers.
  Ints to_ints() const;

  // 64-bit hash of dtype, shape and row-major content.
  uint64_t hash() const;

 private:
  struct Scale {
    size_t axis = 0;
    std::shared_ptr<const std::vector<float>> factors;
  };
  std::span<const std::byte> contiguous_bytes() const;
  std::span<const std::byte> elem_bytes(DType dtype, size_t alignment) const;
  void gather_rows(int64_t begin_elem, std::span<std::byte> out) const;
  void apply_scale(int64_t begin_elem, std::span<std::byte> out) const;

  BlobRef blob_;
  DType dtype_ = DType::kF32;
  Ints shape_;
  Ints strides_;
  int64_t offset_ = 0;
  std::optional<Scale> scale_;
  uint64_t elided_hash_ = 0;
};

Ints row_major_strides(const Ints& shape);
int64_t product(const Ints& sizes);

}  // namespace ferryman
