// A JSON value of config.json; what refers to a tensor of the model is a value, too, until it is
// written out.
//
//   Json config = JsonObject{{"units", 10}, {"activation", "linear"}};
//   Json args = JsonArray{TensorRef{x}, TensorRef{y}};
//
// Objects keep the order in which they were written.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ir/attr.h"

namespace ferryman::keras {

using TensorIndex = int32_t;  // a number in Model::tensors

struct TensorRef {
  TensorIndex tensor = -1;
  bool operator==(const TensorRef&) const = default;
};

class Json;
using JsonArray = std::vector<Json>;
using JsonObject = std::vector<std::pair<std::string, Json>>;

class Json {
 public:
  Json() = default;  // null
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(double value) : value_(value) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(std::string text) : value_(std::move(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(TensorRef tensor) : value_(tensor) {}
  Json(JsonArray items) : value_(std::move(items)) {}
  Json(JsonObject fields) : value_(std::move(fields)) {}
  Json(const Ints& numbers) : value_(JsonArray(numbers.begin(), numbers.end())) {}

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&value_);
  }
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, TensorRef, JsonArray, JsonObject>
      value_;
};

// Arguments that are one list. (What {JsonArray} makes, C++ leaves to the compiler: a list of one
// list, or a copy of it.)
JsonArray list_argument(JsonArray items);

// start:stop:step of an index; null: from or to the end.
Json slice_json(Json start, Json stop, Json step);

// The tensors in it, in order.
void collect_tensors(const Json& json, std::vector<TensorIndex>& found);

// The text of a value, with what `tensor` says in the place of tensors.
template <typename PrintTensor>
void print_json(const Json& json, std::string& text, const PrintTensor& print_tensor);

// Of a value that has no tensors.
std::string to_text(const Json& json);

namespace detail {
void print_scalar(const Json& json, std::string& text);
void print_key(const std::string& key, std::string& text);
}  // namespace detail

template <typename PrintTensor>
void print_json(const Json& json, std::string& text, const PrintTensor& print_tensor) {
  if (const auto* tensor = json.as<TensorRef>()) return print_tensor(tensor->tensor, text);
  if (const auto* items = json.as<JsonArray>()) {
    text += '[';
    for (size_t i = 0; i < items->size(); ++i) {
      if (i > 0) text += ", ";
      print_json((*items)[i], text, print_tensor);
    }
    text += ']';
    return;
  }
  const auto* fields = json.as<JsonObject>();
  if (fields == nullptr) return detail::print_scalar(json, text);
  text += '{';
  for (size_t i = 0; i < fields->size(); ++i) {
    if (i > 0) text += ", ";
    detail::print_key((*fields)[i].first, text);
    print_json((*fields)[i].second, text, print_tensor);
  }
  text += '}';
}

}  // namespace ferryman::keras
