#include "targets/tflite/format/read.h"

#include <gtest/gtest.h>
#include <tflite_schema/schema_generated.h>

#include <random>

#include "targets/tflite/format/print.h"
#include "targets/tflite/format/sample_model.h"
#include "targets/tflite/format/write.h"

namespace ferryman::tflite {
namespace {

std::vector<std::byte> sample_bytes() {
  Result<std::vector<std::byte>> bytes = serialise_tflite(sample_model());
  return bytes.ok() ? std::move(bytes).value() : std::vector<std::byte>();
}

std::string error_of(std::vector<std::byte> bytes) {
  const Result<Model> read = read_tflite(owned_blob(std::move(bytes)));
  return read.ok() ? "" : read.diag().what;
}

TEST(ReadTflite, RefusesWhatIsNoTflite) {
  EXPECT_EQ(error_of({}), "this is no .tflite file: the identifier TFL3 is missing");
  EXPECT_EQ(error_of(std::vector<std::byte>(100)),
            "this is no .tflite file: the identifier TFL3 is missing");
}

TEST(ReadTflite, EveryTruncationIsAnErrorOrTheSameModel) {
  const std::vector<std::byte> whole = sample_bytes();
  const std::string expected = print_model(sample_model());
  size_t num_errors = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    const Result<Model> read =
        read_tflite(owned_blob({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}));
    if (!read.ok()) {
      ++num_errors;
      continue;
    }
    EXPECT_EQ(print_model(*read), expected) << size;  // only the spare bytes were cut
    EXPECT_GE(size + 32, whole.size());
  }
  EXPECT_GT(num_errors, whole.size() - 40);
}

TEST(ReadTflite, DamagedFilesNeverReadOutside) {
  const std::vector<std::byte> whole = sample_bytes();
  std::mt19937 random(20240607);
  size_t num_errors = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> bytes = whole;
    const size_t num_changes = 1 + random() % 3;
    for (size_t i = 0; i < num_changes; ++i) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random() % 256);
    }
    const Result<Model> read = read_tflite(owned_blob(std::move(bytes)));
    if (read.ok()) {
      EXPECT_FALSE(print_model(*read).empty());
    } else {
      ++num_errors;
    }
  }
  EXPECT_GT(num_errors, 1000u);
}

TEST(ReadTflite, BytesAtAnyAddressAreRead) {
  const std::vector<std::byte> whole = sample_bytes();
  std::vector<std::byte> shifted(whole.size() + 1);
  std::copy(whole.begin(), whole.end(), shifted.begin() + 1);
  const BlobRef blob = owned_blob(std::move(shifted));
  const Result<Model> read = read_tflite(sub_blob(blob, 1, whole.size()));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(print_model(*read), print_model(sample_model()));
}

TEST(ReadTflite, NamesTheFieldThatIsWrong) {
  std::vector<std::byte> bytes = sample_bytes();
  auto* stored = flatbuffers::GetMutableRoot<schema::Model>(bytes.data());
  auto* inputs = const_cast<flatbuffers::Vector<int32_t>*>(
      stored->subgraphs()->Get(0)->operators()->Get(1)->inputs());
  inputs->Mutate(1, 99);
  EXPECT_EQ(error_of(bytes), "subgraphs[0].operators[1].inputs refers to tensor 99, of 8");
}

}  // namespace
}  // namespace ferryman::tflite
