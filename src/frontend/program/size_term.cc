#include "frontend/program/size_term.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace ferryman::frontend {

namespace {

constexpr int kMaxTermDepth = 40;  // of terms inside each other

struct Head {
  std::string_view text;
  SizeTerm::Kind kind;
};
constexpr std::array kHeads = {
    Head{"Integer", SizeTerm::Kind::kNumber},    Head{"Symbol", SizeTerm::Kind::kSymbol},
    Head{"Add", SizeTerm::Kind::kAdd},           Head{"Mul", SizeTerm::Kind::kMul},
    Head{"Min", SizeTerm::Kind::kMin},           Head{"Max", SizeTerm::Kind::kMax},
    Head{"FloorDiv", SizeTerm::Kind::kFloorDiv}, Head{"CleanDiv", SizeTerm::Kind::kFloorDiv},
    Head{"Mod", SizeTerm::Kind::kMod},           Head{"PythonMod", SizeTerm::Kind::kMod},
    Head{"Pow", SizeTerm::Kind::kPow},
};

// sympy's srepr: Head(argument, argument, name=value).
class SizeParser {
 public:
  explicit SizeParser(std::string_view text) : text_(text), rest_(text) {}

  Result<SizeTerm> parse() {
    FERRYMAN_TRY(SizeTerm term, parse_term(0));
    if (!rest_.empty()) return malformed();
    return term;
  }

 private:
  Diag malformed() const {
    return Diag::error(DiagCode::kUnsupportedForm,
                       fmt::format("the size '{}' is of a form that is not supported", text_));
  }

  bool eat(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
    return true;
  }

  std::string_view until(std::string_view stops) {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(stops));
    rest_.remove_prefix(word.size());
    return word;
  }

  Result<SizeTerm> parse_term(int depth) {
    const std::string_view name = until("(");
    if (depth > kMaxTermDepth || !eat("(")) return malformed();
    for (const Head& head : kHeads) {
      if (head.text == name) return parse_body(head.kind, depth);
    }
    return malformed();
  }

  Result<SizeTerm> parse_body(SizeTerm::Kind kind, int depth) {
    SizeTerm term{.kind = kind, .number = 0, .symbol = {}, .operands = {}};
    if (kind == SizeTerm::Kind::kSymbol) return parse_symbol(std::move(term));
    if (kind == SizeTerm::Kind::kNumber) return parse_number(std::move(term));
    do {
      FERRYMAN_TRY(SizeTerm operand, parse_term(depth + 1));
      term.operands.push_back(std::move(operand));
    } while (eat(","));
    const bool is_pair = kind == SizeTerm::Kind::kFloorDiv || kind == SizeTerm::Kind::kMod ||
                         kind == SizeTerm::Kind::kPow;
    const bool is_whole = !is_pair || term.operands.size() == 2;
    if (!is_whole || !eat(")")) return malformed();
    return term;
  }

  // Symbol('u0', integer=True): what is assumed of it is known from elsewhere.
  Result<SizeTerm> parse_symbol(SizeTerm term) {
    if (!eat("'")) return malformed();
    term.symbol = until("'");
    until(")");
    if (term.symbol.empty() || !eat(")")) return malformed();
    return term;
  }

  Result<SizeTerm> parse_number(SizeTerm term) {
    const std::string_view digits = until(")");
    const char* end = digits.data() + digits.size();
    const auto [read, error] = std::from_chars(digits.data(), end, term.number);
    if (error != std::errc() || read != end || !eat(")")) return malformed();
    return term;
  }

  std::string_view text_, rest_;
};

}  // namespace

Result<SizeTerm> parse_size(std::string_view text) {
  return SizeParser(text).parse();
}

}  // namespace ferryman::frontend
