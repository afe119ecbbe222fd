#include "frontend/pt2/json_cursor.h"

#include <fmt/format.h>

#include <limits>

namespace ferryman::frontend {

using simdjson::SUCCESS;

Status JsonErrors::status() const {
  if (!failed()) return {};
  return Diag::error(DiagCode::kMalformedProgram, "the exported program is malformed")
      .because(why_);
}

JsonCursor JsonCursor::operator[](std::string_view key) const {
  JsonCursor field = optional(key);
  if (field.is_missing_) fail(fmt::format("'{}' is missing", key));
  return field;
}

JsonCursor JsonCursor::optional(std::string_view key) const {
  JsonCursor field(this, key, kNoIndex);
  field.is_missing_ = true;
  simdjson::dom::object object;
  if (failed() || is_missing_) return field;
  if (element_.get(object) != SUCCESS) {
    fail("expected an object");
    return field;
  }
  if (object.at_key(key).get(field.element_) == SUCCESS) field.is_missing_ = false;
  return field;
}

std::string_view JsonCursor::text() const {
  std::string_view text;
  if (!failed() && (is_missing_ || element_.get(text) != SUCCESS)) fail("expected a string");
  return failed() ? std::string_view() : text;
}

int64_t JsonCursor::integer() const {
  int64_t number = 0;
  if (!failed() && (is_missing_ || element_.get(number) != SUCCESS)) {
    fail("expected an integer of 64 bits");
  }
  return failed() ? 0 : number;
}

int64_t JsonCursor::integer_below(int64_t limit) const {
  const int64_t number = integer();
  if (number >= 0 && number < limit) return number;
  fail(fmt::format("{} is not in [0, {})", number, limit));
  return 0;
}

double JsonCursor::number() const {
  if (failed()) return 0;
  double number = 0;
  if (!is_missing_ && element_.get(number) == SUCCESS) return number;
  std::string_view text;
  if (!is_missing_ && element_.get(text) == SUCCESS) {
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  }
  fail("expected a number");
  return 0;
}

bool JsonCursor::boolean() const {
  bool flag = false;
  if (!failed() && (is_missing_ || element_.get(flag) != SUCCESS)) fail("expected true or false");
  return !failed() && flag;
}

std::vector<JsonCursor> JsonCursor::items() const {
  std::vector<JsonCursor> items;
  if (failed()) return items;
  simdjson::dom::array array;
  if (is_missing_ || element_.get(array) != SUCCESS) {
    fail("expected a list");
    return items;
  }
  for (const simdjson::dom::element element : array) {
    JsonCursor item(this, "", items.size());
    item.element_ = element;
    items.push_back(item);
  }
  return items;
}

std::vector<JsonCursor> JsonCursor::fields() const {
  std::vector<JsonCursor> fields;
  if (failed()) return fields;
  simdjson::dom::object object;
  if (is_missing_ || element_.get(object) != SUCCESS) {
    fail("expected an object");
    return fields;
  }
  for (const auto [key, element] : object) {
    JsonCursor field(this, key, kNoIndex);
    field.element_ = element;
    fields.push_back(field);
  }
  return fields;
}

JsonCursor JsonCursor::alternative() const {
  const std::vector<JsonCursor> all = fields();
  if (all.size() == 1) return all.front();
  fail("expected an object with one key");
  JsonCursor none(this, "", kNoIndex);
  none.is_missing_ = true;
  return none;
}

void JsonCursor::fail(std::string_view why) const {
  if (!failed()) errors_->fail(fmt::format("{}: {}", path(), why));
}

std::string JsonCursor::path() const {
  if (parent_ == nullptr) return "the program";
  std::string prefix = parent_->parent_ == nullptr ? "" : parent_->path();
  if (index_ != kNoIndex) return fmt::format("{}[{}]", prefix, index_);
  // Keys may be names from the user's model; a long one would hide the message.
  return fmt::format("{}{}{}", prefix, prefix.empty() ? "" : ".", key_.substr(0, 100));
}

}  // namespace ferryman::frontend
