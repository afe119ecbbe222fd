#include "targets/tflite/named/catalogue.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "targets/tflite/named/operator_call.h"
#include "targets/tflite/named/option_values.h"
#include "targets/tflite/runtime/output_table.h"

namespace ferryman::tflite {
namespace {

TEST(Catalogue, OutputsAreThoseOfTheRuntime) {
  constexpr std::string_view kMean =
      R"({"op": "tfl_mean", "arguments": {"keep_dims": true, "constants": "{\"1\": [1, 2]}"}})";
  const Result<std::string> told =
      outputs_json(kMean, R"([{"dtype": "float32", "shape": [1, 8, 8, 3]}])");
  ASSERT_TRUE(told.ok()) << render(told.diag());
  EXPECT_EQ(*told, R"([{"dtype": "float32", "shape": [1, 1, 1, 3]}])");
}

TEST(Catalogue, NumbersThatAreMissingAreToldOf) {
  const Result<std::string> told =
      outputs_json(R"({"op": "tfl_mean", "arguments": {}})",
                   R"([{"dtype": "float32", "shape": [4, 3]}, {"dtype": "int32", "shape": [1]}])");
  ASSERT_FALSE(told.ok());
  EXPECT_NE(told.diag().what.find("MEAN"), std::string::npos);
}

TEST(Catalogue, EveryOptionTakesItsDefault) {
  for (int32_t code = 0; code < kNumOps; ++code) {
    const Op op = *op_from_code(code);
    if (!can_be_named(op)) continue;
    for (const OptionSpec& spec : option_specs(op)) {
      const Result<OperatorCall> call =
          read_operator_call(fmt::format(R"({{"op": "{}", "arguments": {{"{}": {}}}}})",
                                         named_operator(op), spec.name, spec.default_value));
      ASSERT_TRUE(call.ok()) << render(call.diag());
      EXPECT_EQ(call->options, default_options(op)) << to_string(op) << " " << spec.name;
    }
  }
}

TEST(Catalogue, PointwiseOperatorsGiveTheirInputsShape) {
  EXPECT_TRUE(is_pointwise(Op::kMul));
  EXPECT_TRUE(is_pointwise(Op::kSelectV2));
  EXPECT_TRUE(is_pointwise(Op::kCast));
  EXPECT_FALSE(is_pointwise(Op::kSelect));
  EXPECT_FALSE(is_pointwise(Op::kSoftmax));
  EXPECT_FALSE(is_pointwise(Op::kCumsum));
  EXPECT_FALSE(is_pointwise(Op::kConv2d));
}

TEST(Catalogue, FlexBuffersHoldMapsAndLists) {
  const Result<std::vector<std::byte>> bytes = flexbuffer(R"({"a": 1, "b": [2.5, "x", true]})");
  ASSERT_TRUE(bytes.ok());
  EXPECT_GT(bytes->size(), 8u);
  EXPECT_FALSE(flexbuffer("{").ok());
}

}  // namespace
}  // namespace ferryman::tflite
