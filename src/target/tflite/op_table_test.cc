#include "target/tflite/op_table.h"

#include <gtest/gtest.h>

#include "target/tflite/option_fields.h"

namespace ferryman::tflite {
namespace {

TEST(OpTable, NamesAndCodesFindTheirRow) {
  EXPECT_EQ(op_from_name("LEAKY_RELU"), Op::kLeakyRelu);
  EXPECT_EQ(op_from_name("CONV_2D"), Op::kConv2d);
  EXPECT_EQ(op_from_name("leaky_relu"), std::nullopt);
  EXPECT_EQ(op_from_code(98), Op::kLeakyRelu);
  EXPECT_EQ(op_from_code(-1), std::nullopt);
  EXPECT_EQ(op_from_code(210), std::nullopt);
  for (int code = 0; code < kNumOps; ++code) {
    const OpRow& row = op_row(static_cast<Op>(code));
    EXPECT_EQ(op_from_name(row.name), row.op) << row.name;
  }
}

TEST(OpTable, DefaultOptionsAreThoseOfTheOperatorsTable) {
  EXPECT_EQ(default_options(Op::kConv2d), Options(Conv2DOptions{}));
  EXPECT_EQ(default_options(Op::kMaxPool2d), Options(Pool2DOptions{}));
  EXPECT_EQ(default_options(Op::kReduceMax), Options(ReducerOptions{}));
  EXPECT_EQ(default_options(Op::kPad), Options(std::monostate{}));
  EXPECT_EQ(default_options(Op::kRelu), Options(std::monostate{}));
  EXPECT_EQ(default_options(Op::kCustom), Options(CustomOptions{}));
}

TEST(OptionFields, EveryHeldStructKnowsItsTable) {
  for (int code = 0; code < kNumOps; ++code) {
    const OpRow& row = op_row(static_cast<Op>(code));
    const Options options = default_options(row.table);
    if (std::holds_alternative<std::monostate>(options)) continue;
    EXPECT_EQ(option_table(options), row.table) << row.name;
  }
}

}  // namespace
}  // namespace ferryman::tflite
