#include "support/crc32.h"

#include <gtest/gtest.h>

#include <string_view>

namespace ferryman {
namespace {

uint32_t crc32_of(std::string_view text) {
  return crc32(std::as_bytes(std::span(text)));
}

TEST(Crc32, HasTheWellKnownValues) {
  EXPECT_EQ(crc32_of(""), 0u);
  EXPECT_EQ(crc32_of("123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32_of("The quick brown fox jumps over the lazy dog"), 0x414fa339u);
}

}  // namespace
}  // namespace ferryman
