// The words and strings of a live buffer (live.h), read one after the other.
//
// Errors stick: after the first one every read gives 0, "" or a count of 0, so that a caller may
// read on and ask for `status()` once. Counts never exceed the number of words that are left and
// the text that is read has a budget, since many words may refer to one long string: that bounds
// every loop and allocation.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/blob.h"
#include "support/result.h"

namespace ferryman::frontend {

class LiveWords {
 public:
  static Result<LiveWords> open(const BlobRef& buffer);

  int64_t word(std::string_view key);
  double number(std::string_view key);
  // In [0, limit).
  int64_t index(std::string_view key, size_t limit);
  size_t count(std::string_view key);
  std::string text(std::string_view key) { return std::string(view(key)); }
  std::string_view view(std::string_view key);
  // A word that is 0 for nothing, otherwise 1 + the index of a string.
  std::string optional_text(std::string_view key);

  void fail(std::string why);
  bool failed() const { return !why_.empty(); }
  bool at_end() const { return words_.empty(); }
  Status status() const;

 private:
  LiveWords() = default;
  std::string_view string_at(int64_t position);

  BlobRef buffer_;
  std::span<const std::byte> words_;
  std::vector<std::string_view> strings_;
  size_t text_budget_ = size_t{256} << 20;  // bytes; real programs need a few millions
  std::string why_;
};

}  // namespace ferryman::frontend
