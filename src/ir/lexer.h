// Splits IR text into tokens; used by the parser only.
#pragma once

#include <string>
#include <string_view>

#include "support/result.h"

namespace ferryman {

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { skip_blank(); }

  bool at_end() const { return position_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  // Takes `literal` if it comes next; a word is not split.
  bool accept(std::string_view literal);
  Status expect(std::string_view literal);
  // [A-Za-z0-9_.@]+ or a quoted string.
  Result<std::string> name();
  Result<std::string> quoted();
  Result<int64_t> integer();
  Result<double> real();
  Result<uint64_t> hex();
  // A size expression up to ',' or ']' at depth 0.
  std::string_view size_text();

  // "line 3, column 7: what"
  Diag error(std::string_view what) const;

 private:
  void skip_blank();  // white space and // comments
  void advance(size_t count);
  std::string_view rest() const { return text_.substr(position_); }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace ferryman
