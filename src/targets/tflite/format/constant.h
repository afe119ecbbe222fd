// Constant bytes that are produced while they are written, so that a permuted weight never exists
// twice in memory.
//
//   ConstantRef bias = constant_of<float>(std::vector<float>{1, 2, 3});
//   ConstantRef weight = tensor_constant(data.permuted({0, 2, 3, 1}));
//
// Invariants: the bytes of a constant never change; reading is repeatable and in any order; every
// read begins at a multiple of kReadAlignment, so no element is ever cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ir/tensor_data.h"
#include "support/blob.h"

namespace ferryman::tflite {

inline constexpr int64_t kReadAlignment = 16;

class ConstantSource {
 public:
  virtual ~ConstantSource() = default;
  virtual int64_t num_bytes() const = 0;
  // Fills `chunk` with the bytes from `offset` on; the range lies inside [0, num_bytes()].
  virtual void read(int64_t offset, std::span<std::byte> chunk) const = 0;
  // The bytes themselves if they lie in memory in this very order; empty otherwise.
  virtual std::span<const std::byte> contiguous() const { return {}; }
};

using ConstantRef = std::shared_ptr<const ConstantSource>;

ConstantRef blob_constant(BlobRef bytes);
ConstantRef tensor_constant(TensorData tensor);

template <typename T>
ConstantRef constant_of(std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  return blob_constant(owned_blob(std::vector<std::byte>(bytes.begin(), bytes.end())));
}
template <typename T>
ConstantRef constant_of(const std::vector<T>& values) {
  return constant_of(std::span<const T>(values));
}

// Equal bytes give equal hashes, on every machine and whatever produces them.
uint64_t content_hash(const ConstantSource& constant);
// Hash of the first `num_bytes` at most.
uint64_t prefix_hash(const ConstantSource& constant, int64_t num_bytes);
bool same_content(const ConstantSource& a, const ConstantSource& b);

// Calls `visit(chunk)` with consecutive pieces, using a work buffer of at most 4 MB; stops early
// when `visit` returns false.
void for_each_chunk(const ConstantSource& constant,
                    const std::function<bool(std::span<const std::byte>)>& visit);

}  // namespace ferryman::tflite
