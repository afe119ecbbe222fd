#include "support/byte_sink.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace ferryman {
namespace {

namespace fs = std::filesystem;
using Naming = FileSink::Naming;

class FileSinkTest : public testing::TestWithParam<Naming> {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ferryman-sink-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<FileSink> create(const std::string& name) {
    return std::move(FileSink::create((folder_ / name).string(), GetParam())).value();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      found.push_back(entry.path().filename().string());
    }
    return found;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_;
};

Status write_text(ByteSink& sink, std::string_view text) {
  return sink.write(std::as_bytes(std::span(text)));
}

TEST_P(FileSinkTest, AppearsWhole) {
  const auto sink = create("a");
  ASSERT_TRUE(write_text(*sink, "one").ok());
  EXPECT_FALSE(fs::exists(folder_ / "a"));
  ASSERT_TRUE(sink->commit().ok());
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
  EXPECT_EQ(text("a"), "one");
}

TEST_P(FileSinkTest, ReplacesAnOldFile) {
  std::ofstream(folder_ / "a") << "old";
  const auto sink = create("a");
  ASSERT_TRUE(write_text(*sink, "new").ok());
  EXPECT_EQ(text("a"), "old");
  ASSERT_TRUE(sink->commit().ok());
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
  EXPECT_EQ(text("a"), "new");
}

TEST_P(FileSinkTest, LeavesNothingWithoutCommit) {
  {
    const auto sink = create("a");
    ASSERT_TRUE(write_text(*sink, std::string(100000, 'x')).ok());
  }
  EXPECT_EQ(names(), std::vector<std::string>{});
}

TEST_P(FileSinkTest, KeepsSymbolicLinks) {
  std::ofstream(folder_ / "real") << "old";
  fs::create_symlink("real", folder_ / "link");
  const auto sink = create("link");
  ASSERT_TRUE(write_text(*sink, "new").ok());
  ASSERT_TRUE(sink->commit().ok());
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(text("real"), "new");
}

INSTANTIATE_TEST_SUITE_P(Namings, FileSinkTest,
                         testing::Values(Naming::kWhenComplete, Naming::kTemporary));

using PartialFile = FileSinkTest;

TEST_P(PartialFile, IsRemovedAsByASignalHandler) {
  const auto sink = create("a");
  ASSERT_TRUE(write_text(*sink, std::string(100000, 'x')).ok());
  EXPECT_EQ(names().size(), 1U);
  remove_partial_file();
  EXPECT_EQ(names(), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Namings, PartialFile, testing::Values(Naming::kTemporary));

}  // namespace
}  // namespace ferryman
