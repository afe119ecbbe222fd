#include "frontend/pt2/zip.h"

#include <gtest/gtest.h>

#include "frontend/pt2/archive_for_test.h"

namespace ferryman::frontend {
namespace {

std::string read_member(const BlobRef& file, std::string_view name) {
  const auto zip = ZipArchive::open(file);
  if (!zip.ok()) return zip.diag().why;
  const ZipEntry* entry = zip->find(name);
  if (entry == nullptr) return "no such member";
  const auto bytes = zip->read(*entry);
  if (!bytes.ok()) return bytes.diag().why;
  const std::span<const std::byte> view = (*bytes)->bytes();
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

const ZipMembers kMembers = {{"a/one", "first"}, {"a/empty", ""}, {"a/two", "second"}};

TEST(Zip, ReadsMembers) {
  const BlobRef file = make_zip(kMembers);
  EXPECT_EQ(read_member(file, "a/one"), "first");
  EXPECT_EQ(read_member(file, "a/empty"), "");
  EXPECT_EQ(read_member(file, "a/two"), "second");
  EXPECT_EQ(read_member(file, "a/three"), "no such member");
}

TEST(Zip, ReadsZip64AndComments) {
  EXPECT_EQ(read_member(make_zip(kMembers, {.zip64 = true, .comment = {}}), "a/two"), "second");
  EXPECT_EQ(read_member(make_zip(kMembers, {.comment = "PK\5\6 hello"}), "a/two"), "second");
}

TEST(Zip, MembersAreViewsOfTheFile) {
  const BlobRef file = make_zip(kMembers);
  const auto zip = ZipArchive::open(file);
  ASSERT_TRUE(zip.ok());
  const auto bytes = zip->read(*zip->find("a/two"));
  ASSERT_TRUE(bytes.ok());
  EXPECT_GE((*bytes)->bytes().data(), file->bytes().data());
  EXPECT_LE((*bytes)->bytes().data() + (*bytes)->size(), file->bytes().data() + file->size());
}

TEST(Zip, RefusesTwoMembersOfOneName) {
  EXPECT_EQ(read_member(make_zip({{"a", "1"}, {"a", "2"}}), "a"), "it has two members named 'a'");
}

TEST(Zip, RefusesCompressedAndEncryptedMembers) {
  EXPECT_EQ(read_member(make_zip(kMembers, {.method = 8, .comment = {}}), "a/one"),
            "member 'a/one' is compressed");
  EXPECT_EQ(read_member(make_zip(kMembers, {.flags = 1, .comment = {}}), "a/one"),
            "member 'a/one' is encrypted");
}

TEST(Zip, RefusesPayloadsThatChanged) {
  std::string text = zip_text(kMembers);
  text[text.find("second")] ^= 1;
  EXPECT_EQ(read_member(blob_of(text), "a/two"), "member 'a/two' does not have its checksum");
  EXPECT_EQ(read_member(blob_of(text), "a/one"), "first");
}

TEST(Zip, RefusesEveryTruncation) {
  for (const bool zip64 : {false, true}) {
    const std::string text = zip_text(kMembers, {.zip64 = zip64, .comment = {}});
    for (size_t length = 0; length < text.size(); ++length) {
      EXPECT_FALSE(ZipArchive::open(blob_of(text.substr(0, length))).ok()) << length;
    }
  }
}

// A changed bit may only touch what is not read (dates, versions): the members stay the same, or
// there is an error. No change may give other bytes.
TEST(Zip, NoFlippedBitGivesOtherBytes) {
  for (const bool zip64 : {false, true}) {
    const std::string text = zip_text(kMembers, {.zip64 = zip64, .comment = {}});
    for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
      std::string changed = text;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
      const auto zip = ZipArchive::open(blob_of(changed));
      if (!zip.ok() || zip->find("a/two") == nullptr) continue;
      const auto bytes = zip->read(*zip->find("a/two"));
      if (!bytes.ok()) continue;
      EXPECT_EQ(read_member(blob_of(changed), "a/two"), "second") << bit;
    }
  }
}

}  // namespace
}  // namespace ferryman::frontend
