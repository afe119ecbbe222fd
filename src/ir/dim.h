// A size along an axis: a number, or an expression over free sizes such as batch or (n + 1) // 2.
//
//   SymbolTable symbols;
//   Dim batch = symbols.symbol("batch", {1, 64}, 2);
//   Dim half = symbols.floordiv(symbols.add(batch, 1), 2);
//
// Invariants: expressions are interned in a normal form (size_expr.h; quotients, minima and maxima
// are its atoms), so Dims of one table that are equal for what the table knows are equal as words.
// max(a, b) and min(a, b) are equal to what they are by max(0, a - b); a Dim keeps the spelling
// that came first. A negative number is no Dim. A free size that is asked for as a number throws
// SizeError.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/size_expr.h"
#include "support/result.h"
#include "support/small_vector.h"

namespace ferryman {

class Dim {
 public:
  constexpr Dim() = default;
  constexpr Dim(int64_t size) : rep_(size) {  // sizes are numbers nearly everywhere
    if (size < 0) refuse_negative(size);
  }

  constexpr bool is_static() const { return rep_ >= 0; }
  constexpr int64_t size() const {
    if (rep_ < 0) refuse_free();
    return rep_;
  }
  constexpr bool operator==(const Dim&) const = default;
  constexpr auto operator<=>(const Dim&) const = default;  // of no meaning, for maps

 private:
  friend class SymbolTable;
  static constexpr Dim of_expr(uint32_t expr) {
    Dim dim;
    dim.rep_ = -1 - static_cast<int64_t>(expr);
    return dim;
  }
  constexpr uint32_t expr() const { return static_cast<uint32_t>(-1 - rep_); }
  [[noreturn]] static void refuse_negative(int64_t size);
  [[noreturn]] static void refuse_free();

  int64_t rep_ = 0;  // expression number k is stored as -1 - k
};

// Most tensors have no more axes.
using Dims = SmallVector<Dim, 6>;

// Of whole numbers; the ends of int64 stand for no bound.
struct SymbolRange {
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
  bool operator==(const SymbolRange&) const = default;
};

// For those who have no table: a number, or its text.
using ToldSize = std::variant<int64_t, std::string>;

class SymbolTable {
 public:
  enum class Kind : uint8_t { kSymbol, kFloorDiv, kMax, kMin };
  struct Atom {
    Kind kind = Kind::kSymbol;
    SizeExpr lhs, rhs;  // kSymbol: lhs is its place in symbols()
    auto operator<=>(const Atom&) const = default;
  };
  struct Symbol {
    std::string name;
    SymbolRange range;
    int64_t hint = 0;  // its size in the example; 0: not known
  };

  // The same name gives the same symbol; its first range and hint stay.
  Dim symbol(std::string_view name, SymbolRange range = {}, int64_t hint = 0);
  // The same, where the name may be known without its range.
  Dim define(std::string_view name, SymbolRange range, int64_t hint);
  const std::vector<Symbol>& symbols() const { return symbols_; }
  // Those that the size depends on, ascending, by their places in symbols().
  std::vector<size_t> symbols_of(Dim dim) const;

  Dim add(Dim a, Dim b) { return dim(of(a) + of(b)); }
  Dim sub(Dim a, Dim b) { return dim(of(a) - of(b)); }
  // The number may be negative.
  Dim shift(Dim size, int64_t by) { return dim(of(size) + SizeExpr(by)); }
  Dim mul(Dim a, Dim b) { return dim(of(a) * of(b)); }
  Dim product(const Dims& dims);
  Dim floordiv(Dim a, Dim b) { return dim(quotient(of(a), of(b))); }
  Dim mod(Dim a, Dim b) { return dim(of(a) - of(b) * quotient(of(a), of(b))); }
  Dim max(Dim a, Dim b) { return dim(extreme(Kind::kMax, of(a), of(b))); }
  Dim min(Dim a, Dim b) { return dim(extreme(Kind::kMin, of(a), of(b))); }
  // Nothing if it does not divide for all sizes, or by 0.
  std::optional<Dim> exact_quotient(Dim a, Dim b);

  // The same on what may be negative on the way.
  SizeExpr of(Dim dim) const;
  Dim dim(const SizeExpr& value);
  SizeExpr quotient(const SizeExpr& a, const SizeExpr& b);
  SizeExpr extreme(Kind kind, const SizeExpr& a, const SizeExpr& b);

  const Atom& atom(uint32_t id) const { return atoms_[id]; }

  // What the size lies between, for all sizes of its symbols; it may be less exact than true.
  SymbolRange range(const SizeExpr& value) const;
  SymbolRange range(Dim dim) const { return range(of(dim)); }
  bool is_at_least(Dim a, Dim b) const { return range(of(a) - of(b)).min >= 0; }
  // With these values of symbols().
  int64_t evaluate(Dim dim, const std::function<int64_t(size_t symbol)>& value_of) const;
  struct Linear {
    int64_t times = 0, offset = 0;
  };
  // size = times * symbol + offset, if it is that; `symbol`: its place in symbols().
  std::optional<Linear> linear_in(Dim size, size_t symbol) const;
  // In the example; `unknown` for symbols without a hint, within their range.
  int64_t hint(Dim dim, int64_t unknown = 1) const;

  // As Python spells it: "2*n + 1", "(n + 1) // 2", "max(n, m)".
  std::string print(Dim dim) const;
  ToldSize tell(Dim dim) const { return dim.is_static() ? ToldSize(dim.size()) : print(dim); }
  // Inverse of print; names the offending text.
  Result<Dim> parse(std::string_view text);

 private:
  SizeExpr add_atom(Atom atom);
  SizeExpr without_extremes(const SizeExpr& value);
  SizeExpr excess(const SizeExpr& a, const SizeExpr& b);
  std::optional<SizeExpr> unnested(const SizeExpr& rest, int64_t divisor);
  SizeExpr quotient_by_number(const SizeExpr& a, int64_t divisor);
  SymbolRange range(const Atom& atom) const;
  SymbolRange range_by_terms(const SizeExpr& value) const;
  std::optional<SizeExpr> without_quotients(const SizeExpr& value, int64_t times,
                                            bool is_least) const;
  int64_t evaluate(const SizeExpr& value,
                   const std::function<int64_t(size_t symbol)>& value_of) const;
  int64_t evaluate(const Atom& atom, const std::function<int64_t(size_t symbol)>& value_of) const;
  void collect(const SizeExpr& value, std::vector<size_t>& found) const;
  std::string print(const SizeExpr& value) const;
  std::string print(const SizeExpr::Term& term) const;
  std::string print(const Atom& atom) const;

  std::vector<Symbol> symbols_;
  std::vector<Atom> atoms_;
  std::map<Atom, uint32_t> atom_ids_;
  std::vector<SizeExpr> exprs_;
  std::map<SizeExpr, uint32_t> expr_ids_;  // by what has no other extremes than max(0, x)
};

// Number of elements; -1 if any dim is free.
int64_t num_elements(const Dims& dims);
bool all_static(const Dims& dims);
// The sizes as numbers; SizeError if one is free.
std::vector<int64_t> static_sizes(const Dims& dims);
Dims to_dims(const std::vector<int64_t>& sizes);

}  // namespace ferryman
