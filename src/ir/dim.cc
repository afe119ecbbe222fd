#include "ir/dim.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "support/check.h"

namespace ferryman {

namespace {

struct KindRow {
  SymbolTable::Kind kind;
  std::string_view spelling;
};
constexpr std::array<KindRow, 6> kBinaryKinds = {{{SymbolTable::Kind::kAdd, " + "},
                                                  {SymbolTable::Kind::kMul, " * "},
                                                  {SymbolTable::Kind::kFloorDiv, " // "},
                                                  {SymbolTable::Kind::kMod, " % "},
                                                  {SymbolTable::Kind::kMax, " max "},
                                                  {SymbolTable::Kind::kMin, " min "}}};

int64_t evaluate(SymbolTable::Kind kind, int64_t a, int64_t b) {
  switch (kind) {
    case SymbolTable::Kind::kAdd:
      return a + b;
    case SymbolTable::Kind::kMul:
      return a * b;
    case SymbolTable::Kind::kFloorDiv:
      return a / b;  // sizes are not negative
    case SymbolTable::Kind::kMod:
      return a % b;
    case SymbolTable::Kind::kMax:
      return std::max(a, b);
    case SymbolTable::Kind::kMin:
      return std::min(a, b);
    case SymbolTable::Kind::kSymbol:
      break;
  }
  internal_error("a symbol has no operands");
}

// Recursive descent over print()'s own grammar: number | name | '(' dim op dim ')'.
class DimParser {
 public:
  DimParser(std::string_view text, SymbolTable& symbols) : rest_(text), symbols_(symbols) {}

  Result<Dim> parse_all() {
    FERRYMAN_TRY(const Dim dim, parse(0));
    if (!rest_.empty()) return malformed();
    return dim;
  }

 private:
  static constexpr int kMaxDepth = 64;

  Diag malformed() const {
    return Diag::error(DiagCode::kMalformedText,
                       fmt::format("a size does not parse at '{}'", rest_.substr(0, 20)));
  }

  Result<Dim> parse(int depth) {
    if (rest_.empty() || depth > kMaxDepth) return malformed();
    if (rest_.front() == '(') return parse_binary(depth);
    if (rest_.front() >= '0' && rest_.front() <= '9') return parse_number();
    return parse_symbol();
  }

  Result<Dim> parse_number() {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc()) return malformed();
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return Dim(number);
  }

  Result<Dim> parse_symbol() {
    const auto is_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    };
    const size_t length =
        static_cast<size_t>(std::find_if_not(rest_.begin(), rest_.end(), is_word) - rest_.begin());
    if (length == 0) return malformed();
    const std::string_view name = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return symbols_.symbol(name);
  }

  Result<Dim> parse_binary(int depth) {
    rest_.remove_prefix(1);
    FERRYMAN_TRY(const Dim lhs, parse(depth + 1));
    for (const KindRow& row : kBinaryKinds) {
      if (!rest_.starts_with(row.spelling)) continue;
      rest_.remove_prefix(row.spelling.size());
      FERRYMAN_TRY(const Dim rhs, parse(depth + 1));
      if (!rest_.starts_with(')')) return malformed();
      rest_.remove_prefix(1);
      const bool divides =
          row.kind == SymbolTable::Kind::kFloorDiv || row.kind == SymbolTable::Kind::kMod;
      if (divides && rhs == Dim(0)) return malformed();
      return symbols_.binary(row.kind, lhs, rhs);
    }
    return malformed();
  }

  std::string_view rest_;
  SymbolTable& symbols_;
};

}  // namespace

Dim SymbolTable::symbol(std::string_view name, SymbolRange range) {
  for (size_t i = 0; i < exprs_.size(); ++i) {
    if (exprs_[i].kind == Kind::kSymbol && exprs_[i].name == name) {
      return Dim::from_expr(static_cast<uint32_t>(i));
    }
  }
  exprs_.push_back({Kind::kSymbol, {}, {}, std::string(name), range});
  return Dim::from_expr(static_cast<uint32_t>(exprs_.size() - 1));
}

Dim SymbolTable::binary(Kind kind, Dim lhs, Dim rhs) {
  if (lhs.is_static() && rhs.is_static()) return Dim(evaluate(kind, lhs.size(), rhs.size()));
  if (kind == Kind::kAdd && rhs == Dim(0)) return lhs;
  if (kind == Kind::kAdd && lhs == Dim(0)) return rhs;
  if ((kind == Kind::kMul || kind == Kind::kFloorDiv) && rhs == Dim(1)) return lhs;
  if (kind == Kind::kMul && lhs == Dim(1)) return rhs;
  for (size_t i = 0; i < exprs_.size(); ++i) {
    const Expr& known = exprs_[i];
    if (known.kind == kind && known.lhs == lhs && known.rhs == rhs) {
      return Dim::from_expr(static_cast<uint32_t>(i));
    }
  }
  exprs_.push_back({kind, lhs, rhs, {}, {}});
  return Dim::from_expr(static_cast<uint32_t>(exprs_.size() - 1));
}

std::string SymbolTable::print(Dim dim) const {
  if (dim.is_static()) return fmt::format("{}", dim.size());
  const Expr& node = expr(dim);
  if (node.kind == Kind::kSymbol) return node.name;
  const auto row = std::find_if(kBinaryKinds.begin(), kBinaryKinds.end(),
                                [&](const KindRow& r) { return r.kind == node.kind; });
  return fmt::format("({}{}{})", print(node.lhs), row->spelling, print(node.rhs));
}

Result<Dim> SymbolTable::parse(std::string_view text) {
  return DimParser(text, *this).parse_all();
}

int64_t num_elements(const Dims& dims) {
  int64_t product = 1;
  for (const Dim dim : dims) {
    if (!dim.is_static()) return -1;
    product *= dim.size();
  }
  return product;
}

bool all_static(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](Dim dim) { return dim.is_static(); });
}

std::vector<int64_t> static_sizes(const Dims& dims) {
  std::vector<int64_t> sizes;
  sizes.reserve(dims.size());
  for (const Dim dim : dims) {
    check(dim.is_static(), "static_sizes of a symbolic shape");
    sizes.push_back(dim.size());
  }
  return sizes;
}

Dims to_dims(const std::vector<int64_t>& sizes) {
  return Dims(sizes.begin(), sizes.end());
}

}  // namespace ferryman
