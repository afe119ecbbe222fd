#include "targets/tflite/format/op_table.h"

#include <gtest/gtest.h>
#include <tflite_schema/schema_generated.h>

#include "targets/tflite/format/option_fields.h"

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
  EXPECT_EQ(default_options(Op::kPad), Options());
  EXPECT_EQ(default_options(Op::kRelu), Options());
  EXPECT_EQ(default_options(Op::kCustom), Options(CustomOptions{}));
}

TEST(OptionFields, EveryHeldStructKnowsItsTable) {
  for (int code = 0; code < kNumOps; ++code) {
    const OpRow& row = op_row(static_cast<Op>(code));
    const Options options = default_options(row.table);
    if (options.is_default()) continue;
    EXPECT_EQ(option_table(options), row.table) << row.name;
  }
}

// The generated description of a table: its fields in slot order, a union counting as two.
const flatbuffers::TypeTable* schema_table(OptionTable table) {
  const auto tag = static_cast<uint16_t>(table);
  const bool is_second = tag > kFirstOptions2;
  const flatbuffers::TypeTable* types =
      is_second ? schema::BuiltinOptions2TypeTable() : schema::BuiltinOptionsTypeTable();
  const size_t entry = is_second ? tag - kFirstOptions2 : tag;
  if (entry >= types->num_elems) return nullptr;
  const int16_t reference = types->type_codes[entry].sequence_ref;
  return types->type_refs[reference]();
}

TEST(OptionFields, SlotsAndNamesAreThoseOfTheSchema) {
  for (int code = 0; code < kNumOps; ++code) {
    const OpRow& row = op_row(static_cast<Op>(code));
    const Options options = default_options(row.table);
    const flatbuffers::TypeTable* stored =
        row.table == OptionTable::kNone ? nullptr : schema_table(row.table);
    visit_fields(options, [&](const auto& field, const auto&) {
      ASSERT_NE(stored, nullptr) << row.name;
      ASSERT_LT(static_cast<size_t>(field.slot), stored->num_elems) << row.name;
      EXPECT_EQ(field.name, stored->names[field.slot]) << row.name;
    });
  }
}

TEST(OpTable, NamesAreThoseOfTheSchema) {
  for (int code = 0; code < kNumOps; ++code) {
    EXPECT_EQ(to_string(static_cast<Op>(code)),
              schema::EnumNameBuiltinOperator(static_cast<schema::BuiltinOperator>(code)));
  }
  for (int type = 0; type < kNumTensorTypes; ++type) {
    EXPECT_EQ(to_string(static_cast<TensorType>(type)),
              schema::EnumNameTensorType(static_cast<schema::TensorType>(type)));
  }
}

}  // namespace
}  // namespace ferryman::tflite
