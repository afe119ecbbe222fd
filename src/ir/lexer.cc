#include "ir/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace ferryman {

namespace {

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '@';
}

}  // namespace

void Lexer::skip_blank() {
  for (;;) {
    while (!at_end() && std::isspace(static_cast<unsigned char>(peek()))) ++position_;
    if (!rest().starts_with("//")) return;
    while (!at_end() && peek() != '\n') ++position_;
  }
}

void Lexer::advance(size_t count) {
  position_ += count;
  skip_blank();
}

bool Lexer::accept(std::string_view literal) {
  if (!rest().starts_with(literal)) return false;
  const std::string_view after = rest().substr(literal.size());
  const bool is_sigil = literal == "@";
  if (!is_sigil && is_word_char(literal.back()) && !after.empty() && is_word_char(after.front()))
    return false;
  advance(literal.size());
  return true;
}

Status Lexer::expect(std::string_view literal) {
  if (accept(literal)) return {};
  return error(fmt::format("expected '{}'", literal));
}

Result<std::string> Lexer::name() {
  if (peek() == '"') return quoted();
  const std::string_view text = rest();
  const auto end = std::find_if_not(text.begin(), text.end(), is_word_char);
  const auto length = static_cast<size_t>(end - text.begin());
  if (length == 0) return error("expected a name");
  std::string word(text.substr(0, length));
  advance(length);
  return word;
}

Result<std::string> Lexer::quoted() {
  if (peek() != '"') return error("expected a quoted string");
  std::string result;
  size_t i = position_ + 1;
  for (; i < text_.size() && text_[i] != '"'; ++i) {
    if (text_[i] != '\\') {
      result += text_[i];
      continue;
    }
    if (++i == text_.size()) break;
    result += text_[i] == 'n' ? '\n' : text_[i];
  }
  if (i >= text_.size()) return error("a string without its end");
  advance(i + 1 - position_);
  return result;
}

Result<int64_t> Lexer::integer() {
  int64_t number = 0;
  const std::string_view text = rest();
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc()) return error("expected an integer");
  advance(static_cast<size_t>(end - text.data()));
  return number;
}

Result<double> Lexer::real() {
  double number = 0;
  const std::string_view text = rest();
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc()) return error("expected a number");
  advance(static_cast<size_t>(end - text.data()));
  return number;
}

Result<uint64_t> Lexer::hex() {
  if (!rest().starts_with("0x")) return error("expected 0x…");
  uint64_t number = 0;
  const std::string_view text = rest().substr(2);
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (failure != std::errc()) return error("expected hexadecimal digits");
  advance(2 + static_cast<size_t>(end - text.data()));
  return number;
}

std::string_view Lexer::size_text() {
  const std::string_view text = rest();
  int depth = 0;
  size_t length = 0;
  for (; length < text.size(); ++length) {
    const char c = text[length];
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (depth < 0 || (depth == 0 && (c == ',' || c == ']' || c == '}')) || c == '\n') break;
  }
  advance(length);
  return text.substr(0, length);
}

Diag Lexer::error(std::string_view what) const {
  const std::string_view before = text_.substr(0, position_);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return Diag::error(DiagCode::kMalformedText,
                     fmt::format("line {}, column {}: {}", line, position_ - line_start + 1, what));
}

}  // namespace ferryman
