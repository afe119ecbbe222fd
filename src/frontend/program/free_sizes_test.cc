#include "frontend/program/free_sizes.h"

#include <gtest/gtest.h>

namespace ferryman::frontend {
namespace {

std::string symbol(const std::string& name) {
  return "Symbol('" + name + "', positive=True, integer=True)";
}

// f(x: f32[s7, 2 * s9])
Program program_of_free_sizes() {
  Program program;
  const SymSize rows{4, symbol("s7")};
  const SymSize columns{12, "Mul(Integer(2), " + symbol("s9") + ")"};
  program.values.push_back({.name = "x",
                            .tensor = TensorMeta{DType::kF32, {rows, columns}, {}},
                            .number = std::nullopt});
  program.inputs.push_back(
      {.kind = InputKind::kUser, .value = 0, .constant = {}, .name = "x", .data = std::nullopt});
  program.symbols = {{.symbol = "s7", .min = 2, .max = 64, .name = "batch", .hint = 3},
                     {.symbol = "s9", .min = 0, .max = INT64_MAX}};
  return program;
}

class FreeSizesTest : public testing::Test {
 protected:
  std::string told(const std::string& expr) {
    const std::optional<Dim> dim = sizes_.find(SymSize{0, expr});
    return dim.has_value() ? symbols_.print(*dim) : "none";
  }

  SymbolTable symbols_;
  Program program_ = program_of_free_sizes();
  FreeSizes sizes_{program_, symbols_};
};

TEST_F(FreeSizesTest, HaveTheUsersNamesAndRanges) {
  EXPECT_EQ(told(symbol("s7")), "batch");
  EXPECT_EQ(symbols_.symbols()[0].hint, 3);
  EXPECT_EQ(symbols_.symbols()[0].range, (SymbolRange{2, 64}));
  EXPECT_EQ(symbols_.symbols()[1].name, "s9");
  EXPECT_EQ(symbols_.symbols()[1].range.min, 1);
}

TEST_F(FreeSizesTest, ExpressionsAreReadAsTorchWritesThem) {
  const std::string n = symbol("s7");
  EXPECT_EQ(told("Add(FloorDiv(Add(" + n + ", Integer(-1)), Integer(2)), Integer(1))"),
            "(batch + 1) // 2");
  EXPECT_EQ(told("Mod(" + n + ", Integer(4))"), "batch - 4*(batch // 4)");
  EXPECT_EQ(told("Pow(" + n + ", Integer(2))"), "batch*batch");
  EXPECT_EQ(told("Max(Integer(1), " + n + ")"), "batch");
  EXPECT_EQ(told("Integer(5)"), "5");
}

TEST_F(FreeSizesTest, WhatIsAssertedMakesSizesSimpler) {
  const std::string n = symbol("s7"), at = symbol("u0");
  const std::string part =
      "Max(Integer(0), Add(" + at + ", Mul(Integer(-1), Min(" + n + ", " + at + ")), Integer(5)))";
  EXPECT_EQ(told(part), "none");
  Program asserting = program_of_free_sizes();
  asserting.orders.push_back({{0, "Add(" + at + ", Integer(5))"}, {0, n}, 0});
  SymbolTable symbols;
  FreeSizes sizes(asserting, symbols);
  EXPECT_EQ(sizes.find({0, part}), Dim(5));
  EXPECT_EQ(sizes.find({0, at}), std::nullopt);
}

TEST_F(FreeSizesTest, WhatIsCountedIsNone) {
  EXPECT_EQ(told(symbol("u0")), "none");
  EXPECT_EQ(told("Add(" + symbol("u0") + ", " + symbol("s7") + ")"), "none");
  EXPECT_EQ(told("Unknown(" + symbol("s7") + ")"), "none");
}

}  // namespace
}  // namespace ferryman::frontend
