#include "frontend/pt2/read_pt2.h"

#include <gtest/gtest.h>

#include <random>

#include "frontend/pt2/archive_for_test.h"

namespace ferryman::frontend {
namespace {

std::string read_text(const BlobRef& file) {
  const auto program = read_pt2(file);
  if (program.ok()) return print_program(*program);
  return program.diag().what + (program.diag().why.empty() ? "" : ": " + program.diag().why);
}

TEST(ReadPt2, ReadsASmallProgram) {
  EXPECT_EQ(read_text(make_zip(small_archive())),
            R"(program torch 2.13.0
symbol s77 in [2, 9223372036854775807]
guard L['x'].size()[0] % 2 == 0
input parameter "fc.w" = %p_w: f32[2, 3] strides [1, 2] in storage 0 at 1 strides [1, 2], )"
            R"(28 bytes 6330df12f0082499
input user "x" = %x: f32[s77, 2] strides [2, 1]
input user "flag" = 3
%rows: int s77 = aten.sym_size.int(self=%x, dim=0)  loc(rows; ; ; :0)
%mm: f32[s77, 3] strides [3, 1] = aten.mm.default(self=%x, mat2=%p_w)  loc(mm; fc@1; m.Linear; m.py:7)
output user "out" = %mm
output user "rows" = %rows
)");
}

TEST(ReadPt2, RefusesEveryTruncation) {
  const std::string text = zip_text(small_archive());
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(read_pt2(blob_of(text.substr(0, length))).ok()) << length;
  }
}

TEST(ReadPt2, NoFlippedBitGivesAnotherProgram) {
  const std::string text = zip_text(small_archive());
  const std::string expected = read_text(blob_of(text));
  std::mt19937 random(1);
  for (size_t byte = 0; byte < text.size(); ++byte) {
    std::string changed = text;
    changed[byte] = static_cast<char>(changed[byte] ^ (1 << (random() % 8)));
    const auto program = read_pt2(blob_of(changed));
    if (!program.ok()) continue;
    EXPECT_EQ(print_program(*program), expected) << byte;
  }
}

struct Damage {
  std::string_view from, to, message;
};
void PrintTo(const Damage& damage, std::ostream* out) {
  *out << damage.message;
}

class DamagedProgram : public testing::TestWithParam<Damage> {};

TEST_P(DamagedProgram, IsRefusedWithTheKey) {
  const ZipMembers members = replaced(small_archive(), kModel, GetParam().from, GetParam().to);
  const std::string text = read_text(make_zip(members));
  EXPECT_NE(text.find(GetParam().message), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    ReadPt2, DamagedProgram,
    testing::Values(
        Damage{"\"nodes\"", "\"n\"", "graph_module.graph: 'nodes' is missing"},
        Damage{"{\"name\": \"mm\"}}],\n   \"metadata\"", "{\"name\": \"x\"}}],\n   \"metadata\"",
               "graph_module.graph.nodes[1].outputs[0].as_tensor.name: 'x' is defined twice"},
        Damage{"\"arg\": {\"as_int\": 0}", "\"arg\": {\"as_int\": 1e3}",
               "graph_module.graph.nodes[0].inputs[1].arg.as_int: expected an integer"},
        Damage{"\"arg\": {\"as_int\": 0}", "\"arg\": {\"as_int\": 9223372036854775808}",
               "arg.as_int: expected an integer"},
        Damage{"\"arg\": {\"as_int\": 0}", "\"arg\": {\"as_thing\": 0}",
               "arg.as_thing: Ferryman does not know this kind of argument"},
        Damage{"\"arg\": {\"as_int\": 0}", "\"arg\": {\"as_int\": 0, \"as_bool\": true}",
               "arg: expected an object with one key"},
        Damage{"\"arg\": {\"as_int\": 0}", "\"arg\": {\"as_tensor\": {\"name\": \"mm\"}}",
               "'mm' is not defined before its use"},
        Damage{"\"dtype\": 7", "\"dtype\": 99", "tensor_values.p_w.dtype: unknown element type"},
        Damage{"\"dtype\": 7", "\"dtype\": 29", "does not know tensors of type float8_e4m3fn"},
        Damage{"\"layout\": 7", "\"layout\": 1", "the tensor is sparse"},
        Damage{"\"strides\": [{\"as_int\": 1}, ", "\"strides\": [",
               "%p_w has 2 sizes but 1 strides"},
        Damage{"{\"as_int\": 3}], \"layout\"", "{\"as_int\": -3}], \"layout\"",
               "another shape or type in the weights"},
        Damage{"{\"as_int\": 3}],\n \"outputs\"", "],\n \"outputs\"",
               "'models/model.json' is no JSON"},
        Damage{", {\"as_int\": 3}],\n \"outputs\"", "],\n \"outputs\"",
               "input_specs: 3 entries for 2 inputs"},
        Damage{"\"parameter_name\": \"fc.w\"", "\"parameter_name\": \"fc.v\"",
               "the archive has no data for 'fc.v'"},
        Damage{"\"major\": 8", "\"major\": 7", "the program's schema has version 7, not 8"},
        Damage{"{\"user_output\"", "{\"gradient_to_parameter\"", "the program returns gradients"},
        Damage{"\\\"children_spec\\\"", "\\\"children\\\"", "a node is no object with"},
        Damage{"[1, {", "[2, {", "its protocol is not 1"},
        Damage{"\"expr_str\": \"s77\"", "\"expr_str\": \"\"", "the expression is empty"}));

TEST(ReadPt2, RefusesDamagedWeights) {
  constexpr std::string_view kConfig = "small/data/weights/model_weights_config.json";
  const auto read_damaged = [&](std::string_view from, std::string_view to) {
    return read_text(make_zip(replaced(small_archive(), kConfig, from, to)));
  };
  EXPECT_EQ(read_damaged("{\"as_int\": 1}}", "{\"as_int\": 2}}"),
            "input 'fc.w' reaches outside its storage of 28 bytes");
  EXPECT_EQ(read_damaged("{\"as_int\": 1}}", "{\"as_int\": -1}}"), "input 'fc.w' has no storage");
  EXPECT_EQ(read_damaged("{\"as_int\": 2}]", "{\"as_int\": 9223372036854775807}]"),
            "input 'fc.w' reaches outside its storage of 28 bytes");
  EXPECT_EQ(read_damaged("weight_0", "weight_1"),
            "the archive has no member 'data/weights/weight_1'");
  EXPECT_EQ(read_damaged("\"use_pickle\": false", "\"use_pickle\": true"),
            "'fc.w' is of a tensor subclass, which is stored as a pickle");
  ZipMembers empty = small_archive();
  empty[0].second.clear();
  EXPECT_EQ(read_text(make_zip(empty)),
            "'fc.w' has no data; was the model exported on the meta device?");
}

TEST(ReadPt2, BoundsTheDepthOfGraphs) {
  std::string nested = R"({"as_int": 0})";
  for (int depth = 0; depth < 100; ++depth) {
    nested = R"({"as_graph": {"name": "g", "graph": {"inputs": [], "outputs": [)" + nested +
             R"(], "nodes": [], "tensor_values": {}}}})";
  }
  const ZipMembers members =
      replaced(small_archive(), kModel, "\"arg\": {\"as_int\": 0}", "\"arg\": " + nested);
  EXPECT_NE(read_text(make_zip(members)).find("graphs are nested too deeply"), std::string::npos);
}

struct ForeignFile {
  ZipMembers members;
  std::string_view what;
};

TEST(ReadPt2, NamesOtherFormatsAndSaysHowToExport) {
  const ForeignFile files[] = {
      {{{"serialized_exported_program.json", "{}"}, {"version", "8.7"}},
       "the exported program was saved by torch 2.7 or earlier"},
      {{{"m/archive_format", "pt2"},
        {"m/archive_version", "0"},
        {"m/models/model.json", "{}"},
        {"m/data/weights/model.pt", ""}},
       "the exported program was saved by torch 2.8 or earlier"},
      {{{"m/data.pkl", ""}, {"m/constants.pkl", ""}, {"m/code/net.py", ""}},
       "the file is a TorchScript module, not an exported program"},
      {{{"m/data.pkl", ""}, {"m/data/0", ""}},
       "the file was written by torch.save: weights, or a pickled module"},
      {{{"config.json", "{}"}, {"model.weights.h5", ""}}, "the file is a Keras model"},
      {{{"word/document.xml", ""}}, "the zip archive holds no exported program"},
      {{{"m/archive_format", "pt2"}, {"m/archive_version", "0"}, {"m/data/aotinductor/a.so", ""}},
       "the archive holds no exported program"},
  };
  for (const ForeignFile& file : files) {
    const auto program = read_pt2(make_zip(file.members));
    ASSERT_FALSE(program.ok()) << file.what;
    EXPECT_EQ(program.diag().what, file.what);
    EXPECT_EQ(program.diag().code, DiagCode::kOldProgramFormat) << file.what;
    if (file.members[0].first != "config.json") {
      EXPECT_NE(program.diag().hint_text.find("torch.export.save("), std::string::npos);
    }
  }
}

TEST(ReadPt2, NamesFilesThatAreNoZip) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, std::string_view> files[] = {
      {"\x80\x02}q\x01."sv, "the file is a pickle"},
      {"\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P"sv,
       "the file is an old torch.save file (torch 1.5 or earlier)"},
      {"\x1c\0\0\0TFL3"sv, "the file is a TFLite model already"},
      {"import torch"sv, "the file is no exported program"},
      {""sv, "the file is empty"},
  };
  for (const auto& [bytes, what] : files) {
    const auto program = read_pt2(blob_of(bytes));
    ASSERT_FALSE(program.ok());
    EXPECT_EQ(program.diag().what, what);
    EXPECT_EQ(program.diag().code, DiagCode::kOldProgramFormat);
  }
}

TEST(ReadPt2, NamesTheFile) {
  const auto program = read_pt2(std::string("/no/such/file.pt2"));
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.diag().what, "cannot read '/no/such/file.pt2'");
  EXPECT_EQ(program.diag().code, DiagCode::kUnreadableFile);
}

}  // namespace
}  // namespace ferryman::frontend
