#include "targets/tflite/format/constant.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

namespace ferryman::tflite {
namespace {

std::vector<int32_t> iota(size_t count) {
  std::vector<int32_t> values(count);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

// OIHW [2,3,2,2] -> OHWI [2,2,2,3]
ConstantRef permuted() {
  return tensor_constant(TensorData::of({2, 3, 2, 2}, iota(24)).permuted({0, 2, 3, 1}));
}

TEST(Constant, PermutedTensorIsReadRowMajor) {
  const ConstantRef constant = permuted();
  std::vector<int32_t> values(24);
  const auto bytes = std::as_writable_bytes(std::span(values));
  for (size_t offset = 0; offset < bytes.size(); offset += kReadAlignment) {
    constant->read(static_cast<int64_t>(offset), bytes.subspan(offset, kReadAlignment));
  }
  EXPECT_EQ(values, (std::vector<int32_t>{0,  4,  8,  1,  5,  9,  2,  6,  10, 3,  7,  11,
                                          12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23}));
}

TEST(Constant, EqualBytesHashEquallyWhateverTheSource) {
  const ConstantRef plain = constant_of(std::vector<int32_t>{
      0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23});
  EXPECT_EQ(content_hash(*plain), content_hash(*permuted()));
  EXPECT_TRUE(same_content(*plain, *permuted()));
}

TEST(Constant, DifferentBytesOrLengthsHashDifferently) {
  const ConstantRef zeros3 = constant_of(std::vector<uint8_t>{0, 0, 0});
  const ConstantRef zeros4 = constant_of(std::vector<uint8_t>{0, 0, 0, 0});
  const ConstantRef other = constant_of(std::vector<uint8_t>{0, 0, 1});
  EXPECT_NE(content_hash(*zeros3), content_hash(*zeros4));
  EXPECT_NE(content_hash(*zeros3), content_hash(*other));
  EXPECT_FALSE(same_content(*zeros3, *zeros4));
  EXPECT_FALSE(same_content(*zeros3, *other));
}

// Each byte is its offset modulo 251, and none lies in memory.
class Counting final : public ConstantSource {
 public:
  explicit Counting(int64_t num_bytes) : num_bytes_(num_bytes) {}
  int64_t num_bytes() const override { return num_bytes_; }
  void read(int64_t offset, std::span<std::byte> chunk) const override {
    for (std::byte& byte : chunk) byte = static_cast<std::byte>(offset++ % 251);
  }

 private:
  int64_t num_bytes_;
};

TEST(Constant, SourceIsReadInOffsetOrderWithinTheWorkBuffer) {
  const int64_t num_bytes = (int64_t{9} << 20) + 5;
  const Counting source(num_bytes);
  int64_t seen = 0;
  size_t largest = 0;
  bool right = true;
  for_each_chunk(source, [&](std::span<const std::byte> chunk) {
    largest = std::max(largest, chunk.size());
    for (const std::byte value : chunk) right &= value == static_cast<std::byte>(seen++ % 251);
    return true;
  });
  EXPECT_EQ(seen, num_bytes);
  EXPECT_TRUE(right);
  EXPECT_LE(largest, size_t{4} << 20);
}

}  // namespace
}  // namespace ferryman::tflite
