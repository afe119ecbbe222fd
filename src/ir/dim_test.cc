#include "ir/dim.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace ferryman {
namespace {

class Sizes : public testing::Test {
 protected:
  std::string normal(const std::string& text) {
    const Result<Dim> dim = symbols_.parse(text);
    return dim.ok() ? symbols_.print(*dim) : dim.diag().what;
  }
  Dim dim(const std::string& text) { return *symbols_.parse(text); }

  SymbolTable symbols_;
  const Dim n_ = symbols_.symbol("n", {1, 64}, 4);
  const Dim m_ = symbols_.symbol("m", {2, INT64_MAX}, 6);
};

TEST_F(Sizes, EqualOnesAreSpelledAlike) {
  EXPECT_EQ(normal("n + n + 1"), "2*n + 1");
  EXPECT_EQ(normal("(n + 1)*(n - 1)"), "n*n - 1");
  EXPECT_EQ(normal("n - n"), "0");
  EXPECT_EQ(normal("(n - 1) // 2 + 1"), "(n + 1) // 2");
  EXPECT_EQ(normal("((n + 1) // 2 + 1) // 2"), "(n + 3) // 4");
  EXPECT_EQ(normal("(4*n + 2*m) // 2"), "2*n + m");
  EXPECT_EQ(normal("(3*n) // 2"), "n + (n // 2)");
  EXPECT_EQ(normal("(4*n + 3) // 6"), "(2*n + 1) // 3");
  EXPECT_EQ(normal("4*(n // 4) + n % 4"), "n");
  EXPECT_EQ(normal("n*m // m"), "n");
  EXPECT_EQ(normal("max(n, 1)"), "n");
  EXPECT_EQ(normal("min(n, 100)"), "n");
  EXPECT_EQ(normal("max(m, n)"), normal("max(n, m)"));
  EXPECT_EQ(normal("n // 100"), "0");
}

TEST_F(Sizes, WhatIsNoSizeIsNone) {
  for (const std::string text : {"", "n +", "n // 0", "3 - 5", "max(n)", "n n", "(n", "n)"})
    EXPECT_TRUE(normal(text).starts_with("a size does not parse")) << text << normal(text);
  EXPECT_THROW((void)n_.size(), SizeError);
  EXPECT_THROW((void)symbols_.sub(Dim(1), Dim(2)), SizeError);
  EXPECT_THROW((void)static_sizes({Dim(1), n_}), SizeError);
  Dim large = symbols_.mul(n_, INT64_MAX);
  EXPECT_THROW((void)symbols_.mul(large, 2), SizeError);
}

TEST_F(Sizes, DivideWhereTheyDoSoForAll) {
  EXPECT_EQ(symbols_.exact_quotient(dim("n*m*4 + 4*m"), dim("n + 1")), dim("4*m"));
  EXPECT_EQ(symbols_.exact_quotient(dim("n*6"), dim("4")), std::nullopt);
  EXPECT_EQ(symbols_.exact_quotient(dim("n + 1"), dim("n")), std::nullopt);
  EXPECT_EQ(symbols_.exact_quotient(n_, 0), std::nullopt);
}

TEST_F(Sizes, LieBetweenBounds) {
  const auto range = [&](const std::string& text) { return symbols_.range(dim(text)); };
  EXPECT_EQ(range("2*n + 1"), (SymbolRange{3, 129}));
  EXPECT_EQ(range("n // 2"), (SymbolRange{0, 32}));
  EXPECT_EQ(range("n*m").min, 2);
  // Quotients are related to what they are of.
  EXPECT_GE(range("8*m - 8*(7*m // 8)").min, 2);
  EXPECT_EQ(normal("max(0, 8*m - 8*(7*m // 8))"), normal("8*m - 8*(7*m // 8)"));
}

TEST_F(Sizes, TheExampleIsTheHint) {
  EXPECT_EQ(symbols_.hint(dim("n*m + n // 3")), 25);
  EXPECT_EQ(symbols_.hint(symbols_.symbol("open", {3, 8}), 16), 8);
  EXPECT_EQ(symbols_.hint(symbols_.symbol("other"), 16), 16);
}

// Random expressions keep their values in normal form, lie in their range, and print as they parse.
TEST_F(Sizes, KeepTheirValues) {
  std::mt19937 random(7);
  const auto draw = [&](int64_t below) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(below));
  };
  for (int round = 0; round < 2000; ++round) {
    const int64_t n = 1 + draw(64), m = 2 + draw(50);
    const std::function<std::pair<SizeExpr, int64_t>(int)> make = [&](int depth) {
      if (depth == 0) {
        const int64_t leaf = draw(3);
        if (leaf == 0) return std::pair(symbols_.of(n_), n);
        if (leaf == 1) return std::pair(symbols_.of(m_), m);
        const int64_t number = draw(9);
        return std::pair(SizeExpr(number), number);
      }
      const auto [a, x] = make(depth - 1);
      const auto [b, y] = make(depth - 1);
      const int64_t by = 1 + draw(7);
      switch (draw(6)) {
        case 0:
          return std::pair(a + b, x + y);
        case 1:
          return std::pair(a - b, x - y);
        case 2:
          return std::pair(a * b, x * y);
        case 3:
          return std::pair(symbols_.quotient(a, by), floor_div(x, by));
        case 4:
          return std::pair(symbols_.extreme(SymbolTable::Kind::kMax, a, b), std::max(x, y));
        default:
          return std::pair(symbols_.extreme(SymbolTable::Kind::kMin, a, b), std::min(x, y));
      }
    };
    try {
      const auto [expr, value] = make(3);
      const SymbolRange range = symbols_.range(expr);
      EXPECT_LE(range.min, value);
      EXPECT_GE(range.max, value);
      if (expr.number().has_value()) {
        EXPECT_EQ(*expr.number(), value);
        continue;
      }
      const Dim dim = symbols_.dim(expr);
      const auto value_of = [&](size_t place) { return place == 0 ? n : m; };
      EXPECT_EQ(symbols_.evaluate(dim, value_of), value) << symbols_.print(dim);
      const Result<Dim> again = symbols_.parse(symbols_.print(dim));
      ASSERT_TRUE(again.ok()) << symbols_.print(dim);
      EXPECT_EQ(symbols_.evaluate(*again, value_of), value) << symbols_.print(dim);
    } catch (const SizeError&) {
    }
  }
}

}  // namespace
}  // namespace ferryman
