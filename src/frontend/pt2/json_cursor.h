// A place in a JSON document that knows its path, so that every error names the key:
//
//   JsonErrors errors;
//   JsonCursor root(document, errors);
//   for (JsonCursor node : root["graph"]["nodes"].items()) read_node(node["target"].text());
//   FERRYMAN_TRY_STATUS(errors.status());     // "graph.nodes[3].target: expected a string"
//
// Errors stick: after the first one reads give 0, "" or nothing, so that a caller may read on and
// ask for `status()` once. A cursor refers to the one it came from, which must outlive it.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/result.h"

namespace ferryman::frontend {

class JsonErrors {
 public:
  void fail(std::string why) {
    if (!failed()) why_ = std::move(why);
  }
  bool failed() const { return !why_.empty(); }
  Status status() const;

 private:
  std::string why_;
};

class JsonCursor {
 public:
  JsonCursor(simdjson::dom::element element, JsonErrors& errors)
      : element_(element), errors_(&errors) {}

  // A field that must exist.
  JsonCursor operator[](std::string_view key) const;
  // A field that may be missing; is_null() then.
  JsonCursor optional(std::string_view key) const;
  bool is_null() const { return is_missing_ || element_.is_null(); }

  std::string_view text() const;
  int64_t integer() const;
  // In [0, limit).
  int64_t integer_below(int64_t limit) const;
  // Also the strings "Infinity", "-Infinity" and "NaN", as the exporter spells them.
  double number() const;
  bool boolean() const;
  std::vector<JsonCursor> items() const;
  // The fields of an object; `key()` tells their names.
  std::vector<JsonCursor> fields() const;
  // The only field of a union.
  JsonCursor alternative() const;
  std::string_view key() const { return key_; }

  void fail(std::string_view why) const;
  bool failed() const { return errors_->failed(); }

 private:
  static constexpr size_t kNoIndex = SIZE_MAX;

  JsonCursor(const JsonCursor* parent, std::string_view key, size_t index)
      : parent_(parent), key_(key), index_(index), errors_(parent->errors_) {}
  std::string path() const;

  const JsonCursor* parent_ = nullptr;
  std::string_view key_;
  size_t index_ = kNoIndex;
  bool is_missing_ = false;
  simdjson::dom::element element_;
  JsonErrors* errors_;
};

}  // namespace ferryman::frontend
