#include "targets/tflite/format/constant.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "support/check.h"
#include "support/hash.h"

namespace ferryman::tflite {

namespace {

constexpr int64_t kWorkBytes = int64_t{4} << 20;
constexpr int64_t kCompareBytes = int64_t{1} << 16;

class BlobConstant final : public ConstantSource {
 public:
  explicit BlobConstant(BlobRef bytes) : bytes_(std::move(bytes)) {}
  int64_t num_bytes() const override { return static_cast<int64_t>(bytes_->size()); }
  void read(int64_t offset, std::span<std::byte> chunk) const override {
    if (chunk.empty()) return;
    std::memcpy(chunk.data(), bytes_->bytes().data() + offset, chunk.size());
  }
  std::span<const std::byte> contiguous() const override { return bytes_->bytes(); }

 private:
  BlobRef bytes_;
};

class TensorConstant final : public ConstantSource {
 public:
  explicit TensorConstant(TensorData tensor) : tensor_(std::move(tensor)) {}
  int64_t num_bytes() const override { return tensor_.num_bytes(); }
  void read(int64_t offset, std::span<std::byte> chunk) const override {
    if (!chunk.empty()) tensor_.read(offset / byte_size(tensor_.dtype()), chunk);
  }

 private:
  TensorData tensor_;
};

std::span<const std::byte> chunk_of(const ConstantSource& constant, int64_t offset, int64_t count,
                                    std::vector<std::byte>& buffer) {
  const auto in_memory = constant.contiguous();
  if (!in_memory.empty()) {
    return in_memory.subspan(static_cast<size_t>(offset), static_cast<size_t>(count));
  }
  buffer.resize(static_cast<size_t>(count));
  constant.read(offset, buffer);
  return buffer;
}

}  // namespace

ConstantRef blob_constant(BlobRef bytes) {
  return std::make_shared<BlobConstant>(std::move(bytes));
}

ConstantRef tensor_constant(TensorData tensor) {
  check(!tensor.is_elided(), "a constant without bytes cannot be written");
  return std::make_shared<TensorConstant>(std::move(tensor));
}

void for_each_chunk(const ConstantSource& constant,
                    const std::function<bool(std::span<const std::byte>)>& visit) {
  std::vector<std::byte> buffer;
  for (int64_t offset = 0; offset < constant.num_bytes();) {
    const int64_t count = std::min(kWorkBytes, constant.num_bytes() - offset);
    if (!visit(chunk_of(constant, offset, count, buffer))) return;
    offset += count;
  }
}

uint64_t prefix_hash(const ConstantSource& constant, int64_t num_bytes) {
  std::vector<std::byte> buffer;
  Hasher hasher;
  hasher.update(chunk_of(constant, 0, std::min(num_bytes, constant.num_bytes()), buffer));
  return hasher.digest();
}

uint64_t content_hash(const ConstantSource& constant) {
  Hasher hasher;
  for_each_chunk(constant, [&](std::span<const std::byte> chunk) {
    hasher.update(chunk);
    return true;
  });
  return hasher.digest();
}

bool same_content(const ConstantSource& a, const ConstantSource& b) {
  if (&a == &b) return true;
  if (a.num_bytes() != b.num_bytes()) return false;
  std::vector<std::byte> a_buffer;
  std::vector<std::byte> b_buffer;
  for (int64_t offset = 0; offset < a.num_bytes();) {
    const int64_t count = std::min(kCompareBytes, a.num_bytes() - offset);
    const auto a_chunk = chunk_of(a, offset, count, a_buffer);
    const auto b_chunk = chunk_of(b, offset, count, b_buffer);
    if (std::memcmp(a_chunk.data(), b_chunk.data(), a_chunk.size()) != 0) return false;
    offset += count;
  }
  return true;
}

}  // namespace ferryman::tflite
