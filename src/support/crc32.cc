#include "support/crc32.h"

#include <array>
#include <bit>
#include <cstring>

namespace ferryman {

namespace {

constexpr uint32_t kPolynomial = 0xedb88320;
constexpr size_t kStride = 16;  // bytes at once: weights are long, a byte a time would be felt

using Table = std::array<std::array<uint32_t, 256>, kStride>;

// table[k][b] is the effect of byte b when k more bytes follow.
constexpr Table make_table() {
  Table table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[0][byte] = crc;
  }
  for (size_t k = 1; k < kStride; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = table[k - 1][byte];
      table[k][byte] = (before >> 8) ^ table[0][before & 0xff];
    }
  }
  return table;
}

constexpr Table kTable = make_table();
static_assert(std::endian::native == std::endian::little);

}  // namespace

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) {
  uint32_t crc = ~before;
  while (bytes.size() >= kStride) {
    std::array<uint8_t, kStride> block;
    std::memcpy(block.data(), bytes.data(), kStride);
    uint32_t first = 0;
    std::memcpy(&first, block.data(), sizeof(first));
    first ^= crc;
    std::memcpy(block.data(), &first, sizeof(first));
    crc = 0;
    for (size_t i = 0; i < kStride; ++i) crc ^= kTable[kStride - 1 - i][block[i]];
    bytes = bytes.subspan(kStride);
  }
  for (const std::byte byte : bytes) {
    crc = (crc >> 8) ^ kTable[0][(crc ^ std::to_integer<uint32_t>(byte)) & 0xff];
  }
  return ~crc;
}

}  // namespace ferryman
