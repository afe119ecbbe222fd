#include "targets/keras/format/archive.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/crc32.h"

namespace ferryman::keras {
namespace {

std::string archive_of(const std::string& name, const std::string& content) {
  MemorySink sink;
  ArchiveWriter archive(sink);
  EXPECT_TRUE(archive.add(name, content).ok());
  EXPECT_TRUE(archive.finish().ok());
  const std::vector<std::byte> bytes = std::move(sink).take();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(KerasArchive, MembersAreStoredAsTheyAre) {
  const std::string bytes = archive_of("config.json", "{}");
  EXPECT_TRUE(bytes.starts_with("PK\x03\x04"));
  EXPECT_NE(bytes.find("config.json"), std::string::npos);
  EXPECT_NE(bytes.find("{}PK\x01\x02"), std::string::npos);  // then the directory
  EXPECT_EQ(bytes.substr(bytes.size() - 22, 4), "PK\x05\x06");
}

TEST(KerasArchive, EqualContentsAreEqualBytes) {
  EXPECT_EQ(archive_of("a", "one"), archive_of("a", "one"));
  EXPECT_NE(archive_of("a", "one"), archive_of("a", "two"));
}

TEST(KerasArchive, AChecksumGoesOnWhereAnotherEnded) {
  const std::string text = "a checksum of two pieces, the second of which is longer than sixteen";
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  EXPECT_EQ(crc32(bytes.subspan(9), crc32(bytes.first(9))), crc32(bytes));
}

}  // namespace
}  // namespace ferryman::keras
