#include "targets/tflite/format/write.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <tflite_schema/schema_generated.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "targets/tflite/format/print.h"
#include "targets/tflite/format/read.h"
#include "targets/tflite/format/sample_model.h"

namespace ferryman::tflite {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> serialised(const Model& model, WriteLimits limits = {}) {
  Result<std::vector<std::byte>> bytes = serialise_tflite(model, limits);
  EXPECT_TRUE(bytes.ok()) << (bytes.ok() ? "" : render(bytes.diag()));
  return bytes.ok() ? std::move(bytes).value() : std::vector<std::byte>();
}

std::string round_trip(const Model& model, WriteLimits limits = {}) {
  const Result<Model> read = read_tflite(owned_blob(serialised(model, limits)));
  return read.ok() ? print_model(*read) : render(read.diag());
}

class WriteFile : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("ferryman_" + std::string(test->name()) + std::to_string(getpid()));
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  size_t num_files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST(WriteTflite, ReadsBackWhatWasWritten) {
  EXPECT_EQ(round_trip(sample_model()), print_model(sample_model()));
}

TEST(WriteTflite, SameModelGivesSameBytes) {
  EXPECT_EQ(serialised(sample_model()), serialised(sample_model()));
}

TEST(WriteTflite, EqualConstantsAreStoredOnceAndDataIsAligned) {
  const std::vector<std::byte> bytes = serialised(sample_model());
  const schema::Model& stored = *schema::GetModel(bytes.data());
  const auto& tensors = *stored.subgraphs()->Get(0)->tensors();
  EXPECT_EQ(tensors.Get(2)->buffer(), tensors.Get(4)->buffer());  // bias and twice
  EXPECT_EQ(tensors.Get(0)->buffer(), 0u);
  EXPECT_EQ(stored.buffers()->Get(0)->data(), nullptr);
  // Nothing, weight, bias, shape, min_runtime_version.
  ASSERT_EQ(stored.buffers()->size(), 5u);
  for (uint32_t i = 1; i < stored.buffers()->size(); ++i) {
    const uint8_t* data = stored.buffers()->Get(i)->data()->data();
    EXPECT_EQ((data - reinterpret_cast<const uint8_t*>(bytes.data())) % 16, 0) << i;
  }
}

TEST(WriteTflite, PermutedWeightIsWrittenRowMajor) {
  const Result<Model> read = read_tflite(owned_blob(serialised(sample_model())));
  ASSERT_TRUE(read.ok());
  const auto bytes = read->subgraphs[0].tensors[1].constant->contiguous();
  std::vector<float> values(24);
  ASSERT_EQ(bytes.size(), 96u);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  EXPECT_EQ(values, (std::vector<float>{0,  4,  8,  1,  5,  9,  2,  6,  10, 3,  7,  11,
                                        12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23}));
}

TEST(WriteTflite, OperatorCodesAreSharedAndCarryBothFields) {
  Model model = one_op_model({.op = Op::kGelu}, {f32("x", {2})}, {f32("y", {2})});
  Subgraph& main = model.subgraphs[0];
  const TensorIndex z = main.add(f32("z", {2}));
  const TensorIndex last = main.add(f32("last", {2}));
  main.operators.push_back({.op = Op::kGelu, .inputs = {1}, .outputs = {z}});
  main.operators.push_back({.op = Op::kRelu, .inputs = {z}, .outputs = {last}});
  const std::vector<std::byte> bytes = serialised(model);
  const auto& codes = *schema::GetModel(bytes.data())->operator_codes();
  ASSERT_EQ(codes.size(), 2u);
  EXPECT_EQ(codes.Get(0)->builtin_code(), schema::BuiltinOperator_GELU);
  EXPECT_EQ(codes.Get(0)->deprecated_builtin_code(), 127);
  EXPECT_EQ(codes.Get(1)->builtin_code(), schema::BuiltinOperator_RELU);
  EXPECT_EQ(codes.Get(1)->deprecated_builtin_code(), 19);
}

TEST(WriteTflite, StatesTheFirstRuntimeThatLoadsIt) {
  const std::vector<std::byte> bytes =
      serialised(one_op_model({.op = Op::kGelu}, {f32("x", {2})}, {f32("y", {2})}));
  const schema::Model& stored = *schema::GetModel(bytes.data());
  ASSERT_EQ(stored.metadata()->size(), 1u);
  EXPECT_EQ(stored.metadata()->Get(0)->name()->str(), "min_runtime_version");
  const auto& content = *stored.buffers()->Get(stored.metadata()->Get(0)->buffer())->data();
  EXPECT_EQ(std::string(content.begin(), content.end()),
            std::string("2.9.0\0\0\0\0\0\0\0\0\0\0\0", 16));
}

TEST(WriteTflite, DynamicDimensionsQuantisationStatesAndCustomOperatorsSurvive) {
  Model model;
  model.description = "all \"kinds\"";
  Subgraph& main = model.subgraphs.emplace_back(Subgraph{.name = "main"});
  main.add({.name = "x", .type = DType::kF32, .shape = {1, 4}, .shape_signature = {-1, 4}});
  main.add({.name = "q",
            .type = DType::kI8,
            .shape = {1, 4},
            .shape_signature = {-1, 4},
            .quantization = Quantization{.scale = {0.5f}, .zero_point = {-3}}});
  main.add({.name = "state", .type = DType::kF32, .shape = {4}, .is_variable = true});
  main.add({.name = "none",
            .type = DType::kI32,
            .shape = {0},
            .constant = constant_of<int32_t>(std::vector<int32_t>())});
  main.add({.name = "int4",
            .type = TensorType::kInt4,
            .shape = {3},
            .constant = constant_of(std::vector<uint8_t>{1, 2})});
  main.add(f32("custom", {}));
  main.inputs = {0};
  main.outputs = {1, 5};
  main.operators = {{.op = Op::kQuantize, .inputs = {0}, .outputs = {1}},
                    {.op = Op::kCustom,
                     .inputs = {2, kAbsent, 3, 4},
                     .outputs = {5},
                     .options = CustomOptions{"MyOp", {std::byte{1}, std::byte{2}}, 3}}};
  model.metadata = {{"note", {std::byte{7}}}};
  EXPECT_EQ(round_trip(model), print_model(model));
  const Result<Model> read = read_tflite(owned_blob(serialised(model)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->metadata, model.metadata);
  EXPECT_EQ(read->subgraphs[0].tensors[1].quantization, main.tensors[1].quantization);
  EXPECT_EQ(read->subgraphs[0].operators[1].options, main.operators[1].options);
  EXPECT_NE(read->subgraphs[0].tensors[3].constant, nullptr);
}

TEST(WriteTflite, ConstantsOfLargeModelsLieOutsideTheFlatbuffer) {
  const WriteLimits limits{.max_flatbuffer_bytes =
                               static_cast<int64_t>(serialised(sample_model()).size()) - 1};
  const std::vector<std::byte> bytes = serialised(sample_model(), limits);
  const schema::Model& stored = *schema::GetModel(bytes.data());
  const schema::Buffer& weight = *stored.buffers()->Get(1);
  EXPECT_EQ(weight.data(), nullptr);
  EXPECT_EQ(weight.size(), 96u);
  EXPECT_EQ(weight.offset() % 16, 0u);
  EXPECT_LE(weight.offset() + weight.size() + 16, bytes.size());
  EXPECT_EQ(stored.metadata()->Get(1)->name()->str(), "buffer_location");
  EXPECT_EQ(round_trip(sample_model(), limits), print_model(sample_model()));
}

TEST(WriteTflite, IllegalModelIsAnInternalErrorBeforeAnythingIsWritten) {
  const Model model = one_op_model({.op = Op::kAdd},
                                   {{.name = "a", .type = DType::kI8, .shape = {2}},
                                    {.name = "b", .type = DType::kI8, .shape = {2}}},
                                   {{.name = "y", .type = DType::kI8, .shape = {2}}});
  const Status status = write_tflite(model, "/nonexistent/never.tflite");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(render(status.diag()),
            "error[E0901]: the lowered model is not one that LiteRT would run\n"
            "  why:  error[E0901]: ADD (operator 0 of 'main') ends the process for "
            "i8[rank 1], i8[rank 1]\n"
            "  hint: this is a mistake of Ferryman: please report it with the module");
}

TEST_F(WriteFile, HoldsTheSerialisedBytes) {
  const std::string path = folder_ / "model.tflite";
  ASSERT_TRUE(write_tflite(sample_model(), path).ok());
  const Result<BlobRef> file = map_file(path);
  ASSERT_TRUE(file.ok());
  const auto bytes = (*file)->bytes();
  EXPECT_EQ(std::vector<std::byte>(bytes.begin(), bytes.end()), serialised(sample_model()));
  EXPECT_EQ(num_files(), 1u);
}

TEST_F(WriteFile, ReplacesAnOlderFileAndKeepsALink) {
  const fs::path path = folder_ / "model.tflite";
  std::ofstream(path) << "old";
  fs::create_symlink("model.tflite", folder_ / "link.tflite");
  ASSERT_TRUE(write_tflite(sample_model(), folder_ / "link.tflite").ok());
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.tflite"));
  EXPECT_EQ(fs::file_size(path), serialised(sample_model()).size());
}

TEST_F(WriteFile, SaysWhyItCannotWrite) {
  const Status missing = write_tflite(sample_model(), folder_ / "no" / "model.tflite");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.diag().code, DiagCode::kCannotWrite);
  EXPECT_EQ(missing.diag().why, "No such file or directory");
  const Status directory = write_tflite(sample_model(), folder_);
  ASSERT_FALSE(directory.ok());
  EXPECT_EQ(directory.diag().why, "it is a directory");
  const Status device = write_tflite(sample_model(), "/dev/null");
  ASSERT_FALSE(device.ok());
  EXPECT_EQ(device.diag().why, "it is not a regular file");
  EXPECT_EQ(num_files(), 0u);
}

}  // namespace
}  // namespace ferryman::tflite
