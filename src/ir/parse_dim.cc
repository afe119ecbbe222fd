// SymbolTable::parse: recursive descent over what print writes.
//
//   sum     = ["-"] product (("+" | "-") product)*
//   product = factor (("*" | "//" | "%") factor)*
//   factor  = number | name | "(" sum ")" | ("max" | "min") "(" sum "," sum ")"
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "ir/dim.h"

namespace ferryman {

namespace {

class DimParser {
 public:
  DimParser(std::string_view text, SymbolTable& symbols) : rest_(text), symbols_(symbols) {}

  Result<Dim> parse_all() {
    try {
      FERRYMAN_TRY(const SizeExpr value, sum(0));
      if (!rest_.empty()) return malformed();
      return symbols_.dim(value);
    } catch (const SizeError&) {
      return malformed();
    }
  }

 private:
  static constexpr int kMaxDepth = 64;

  Diag malformed() const {
    return Diag::error(DiagCode::kMalformedText,
                       fmt::format("a size does not parse at '{}'", rest_.substr(0, 20)));
  }

  bool accept(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip_spaces();
    return true;
  }

  void skip_spaces() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }

  Result<SizeExpr> sum(int depth) {
    const bool is_negative = accept("-");
    FERRYMAN_TRY(SizeExpr value, product(depth));
    if (is_negative) value = SizeExpr() - value;
    while (true) {
      const bool adds = accept("+");
      if (!adds && !accept("-")) return value;
      FERRYMAN_TRY(const SizeExpr next, product(depth));
      value = adds ? value + next : value - next;
    }
  }

  Result<SizeExpr> product(int depth) {
    FERRYMAN_TRY(SizeExpr value, factor(depth));
    while (true) {
      const bool divides = accept("//");
      const bool is_rest = !divides && accept("%");
      if (!divides && !is_rest && !accept("*")) return value;
      FERRYMAN_TRY(const SizeExpr next, factor(depth));
      if (!divides && !is_rest) {
        value = value * next;
        continue;
      }
      const SizeExpr quotient = symbols_.quotient(value, next);
      value = divides ? quotient : value - next * quotient;
    }
  }

  Result<SizeExpr> factor(int depth) {
    if (rest_.empty() || depth > kMaxDepth) return malformed();
    if (accept("(")) {
      FERRYMAN_TRY(const SizeExpr value, sum(depth + 1));
      if (!accept(")")) return malformed();
      return value;
    }
    if (accept("max(")) return extreme(SymbolTable::Kind::kMax, depth);
    if (accept("min(")) return extreme(SymbolTable::Kind::kMin, depth);
    return std::isdigit(static_cast<unsigned char>(rest_.front())) ? number() : name();
  }

  Result<SizeExpr> extreme(SymbolTable::Kind kind, int depth) {
    FERRYMAN_TRY(const SizeExpr a, sum(depth + 1));
    if (!accept(",")) return malformed();
    FERRYMAN_TRY(const SizeExpr b, sum(depth + 1));
    if (!accept(")")) return malformed();
    return symbols_.extreme(kind, a, b);
  }

  Result<SizeExpr> number() {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc()) return malformed();
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    skip_spaces();
    return SizeExpr(number);
  }

  Result<SizeExpr> name() {
    const auto is_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    };
    const auto length =
        static_cast<size_t>(std::find_if_not(rest_.begin(), rest_.end(), is_word) - rest_.begin());
    if (length == 0) return malformed();
    const Dim symbol = symbols_.symbol(rest_.substr(0, length));
    rest_.remove_prefix(length);
    skip_spaces();
    return symbols_.of(symbol);
  }

  std::string_view rest_;
  SymbolTable& symbols_;
};

}  // namespace

Result<Dim> SymbolTable::parse(std::string_view text) {
  return DimParser(text, *this).parse_all();
}

}  // namespace ferryman
