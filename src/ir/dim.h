// A size along an axis: a number, or a symbolic expression such as s0 or (s0 + 1) // 2.
//
//   SymbolTable symbols;
//   Dim batch = symbols.symbol("s0", {1, 64});
//   Dim half = symbols.floordiv(symbols.add(batch, Dim(1)), Dim(2));
//
// Invariants: expressions are interned, so two Dims of one table are equal exactly if their
// expressions are spelled the same; constant sub-expressions are folded when built.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"
#include "support/small_vector.h"

namespace ferryman {

class Dim {
 public:
  constexpr Dim() = default;
  constexpr Dim(int64_t size) : rep_(size) {}  // sizes are numbers nearly everywhere

  constexpr bool is_static() const { return rep_ >= 0; }
  constexpr int64_t size() const { return rep_; }  // only if is_static()
  constexpr bool operator==(const Dim&) const = default;

  // For SymbolTable: expression number k is stored as -1 - k.
  static constexpr Dim from_expr(uint32_t expr) { return Dim(-1 - static_cast<int64_t>(expr)); }
  constexpr uint32_t expr() const { return static_cast<uint32_t>(-1 - rep_); }

 private:
  int64_t rep_ = 0;
};

// Most tensors have no more axes.
using Dims = SmallVector<Dim, 6>;

struct SymbolRange {
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
  bool operator==(const SymbolRange&) const = default;
};

class SymbolTable {
 public:
  enum class Kind : uint8_t { kSymbol, kAdd, kMul, kFloorDiv, kMod, kMax, kMin };
  struct Expr {
    Kind kind;
    Dim lhs, rhs;       // binary kinds
    std::string name;   // kSymbol
    SymbolRange range;  // kSymbol
  };

  // The same name gives the same symbol; its first range stays.
  Dim symbol(std::string_view name, SymbolRange range = {});
  void set_range(Dim symbol, SymbolRange range) { exprs_[symbol.expr()].range = range; }
  Dim binary(Kind kind, Dim lhs, Dim rhs);
  Dim add(Dim lhs, Dim rhs) { return binary(Kind::kAdd, lhs, rhs); }
  Dim mul(Dim lhs, Dim rhs) { return binary(Kind::kMul, lhs, rhs); }
  Dim floordiv(Dim lhs, Dim rhs) { return binary(Kind::kFloorDiv, lhs, rhs); }

  const std::vector<Expr>& exprs() const { return exprs_; }
  const Expr& expr(Dim dim) const { return exprs_[dim.expr()]; }
  std::string print(Dim dim) const;
  // Inverse of print; names the offending text.
  Result<Dim> parse(std::string_view text);

 private:
  std::vector<Expr> exprs_;
};

// Number of elements; -1 if any dim is symbolic.
int64_t num_elements(const Dims& dims);
bool all_static(const Dims& dims);
// The sizes as numbers; all dims must be static.
std::vector<int64_t> static_sizes(const Dims& dims);
Dims to_dims(const std::vector<int64_t>& sizes);

}  // namespace ferryman
