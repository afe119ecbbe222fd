#include "frontend/live/live_words.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace ferryman::frontend {

namespace {

static_assert(std::endian::native == std::endian::little, "the live buffer is little-endian");

constexpr std::string_view kMagic = "FERRYLIV";
constexpr int64_t kVersion = 2;
constexpr size_t kWordBytes = sizeof(int64_t);
constexpr size_t kHeaderBytes = 4 * kWordBytes;

Diag malformed_capture(std::string why) {
  return Diag::error(DiagCode::kMalformedProgram, "the captured program is malformed")
      .because(std::move(why));
}

int64_t load(std::span<const std::byte> bytes, size_t position) {
  int64_t word = 0;
  std::memcpy(&word, bytes.data() + position * kWordBytes, kWordBytes);
  return word;
}

}  // namespace

Result<LiveWords> LiveWords::open(const BlobRef& buffer) {
  const std::span<const std::byte> bytes = buffer->bytes();
  if (bytes.size() < kHeaderBytes) return malformed_capture("it is shorter than its header");
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return malformed_capture("it does not start with FERRYLIV");
  }
  if (load(bytes, 1) != kVersion) {
    return malformed_capture(fmt::format("its version is {}, not {}", load(bytes, 1), kVersion));
  }
  const auto num_words = static_cast<uint64_t>(load(bytes, 2));
  const auto num_strings = static_cast<uint64_t>(load(bytes, 3));
  std::span<const std::byte> rest = bytes.subspan(kHeaderBytes);
  const size_t max_words = rest.size() / kWordBytes;
  if (num_words > max_words || num_strings > max_words - num_words) {
    return malformed_capture("it is shorter than its header says");
  }
  LiveWords reader;
  reader.buffer_ = buffer;
  reader.words_ = rest.first(num_words * kWordBytes);
  const std::span<const std::byte> lengths =
      rest.subspan(num_words * kWordBytes, num_strings * kWordBytes);
  rest = rest.subspan((num_words + num_strings) * kWordBytes);
  reader.strings_.reserve(num_strings);
  for (size_t i = 0; i < num_strings; ++i) {
    const auto length = static_cast<uint64_t>(load(lengths, i));
    if (length > rest.size()) return malformed_capture("a string reaches beyond its end");
    reader.strings_.emplace_back(reinterpret_cast<const char*>(rest.data()), length);
    rest = rest.subspan(length);
  }
  if (!rest.empty()) return malformed_capture("bytes follow the last string");
  return reader;
}

int64_t LiveWords::word(std::string_view key) {
  if (words_.empty()) fail(fmt::format("it ends before {}", key));
  if (failed()) return 0;
  const int64_t word = load(words_, 0);
  words_ = words_.subspan(kWordBytes);
  return word;
}

double LiveWords::number(std::string_view key) {
  return std::bit_cast<double>(word(key));
}

int64_t LiveWords::index(std::string_view key, size_t limit) {
  const int64_t index = word(key);
  if (index >= 0 && static_cast<uint64_t>(index) < limit) return index;
  fail(fmt::format("{} is {}, outside of [0, {})", key, index, limit));
  return 0;
}

size_t LiveWords::count(std::string_view key) {
  const int64_t count = word(key);
  if (count >= 0 && static_cast<uint64_t>(count) <= words_.size() / kWordBytes) {
    return failed() ? 0 : static_cast<size_t>(count);
  }
  fail(fmt::format("the number of {} is {}, more than there can be", key, count));
  return 0;
}

std::string_view LiveWords::view(std::string_view key) {
  return string_at(index(key, strings_.size()));
}

std::string LiveWords::optional_text(std::string_view key) {
  const int64_t position = index(key, strings_.size() + 1);
  return position == 0 ? "" : std::string(string_at(position - 1));
}

std::string_view LiveWords::string_at(int64_t position) {
  if (failed()) return {};
  const std::string_view text = strings_[static_cast<size_t>(position)];
  if (text.size() > text_budget_) {
    fail("it refers to too much text");
    return {};
  }
  text_budget_ -= text.size();
  return text;
}

void LiveWords::fail(std::string why) {
  if (!failed()) why_ = std::move(why);
}

Status LiveWords::status() const {
  if (failed()) return malformed_capture(why_);
  return {};
}

}  // namespace ferryman::frontend
