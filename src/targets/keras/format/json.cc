#include "targets/keras/format/json.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "support/check.h"
#include "support/json_text.h"

namespace ferryman::keras {

namespace {

// As Python's json reads it: infinities and NaN have words, and a float has a point or exponent.
std::string print_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

void detail::print_scalar(const Json& json, std::string& text) {
  if (json.is_null()) text += "null";
  if (const auto* flag = json.as<bool>()) text += *flag ? "true" : "false";
  if (const auto* number = json.as<int64_t>()) text += std::to_string(*number);
  if (const auto* number = json.as<double>()) text += print_float(*number);
  if (const auto* word = json.as<std::string>()) text += json_quote(*word);
}

void detail::print_key(const std::string& key, std::string& text) {
  text += json_quote(key) + ": ";
}

JsonArray list_argument(JsonArray items) {
  JsonArray arguments;
  arguments.emplace_back(std::move(items));
  return arguments;
}

Json slice_json(Json start, Json stop, Json step) {
  return JsonObject{{"class_name", "__slice__"},
                    {"config", JsonObject{{"start", std::move(start)},
                                          {"stop", std::move(stop)},
                                          {"step", std::move(step)}}}};
}

void collect_tensors(const Json& json, std::vector<TensorIndex>& found) {
  if (const auto* tensor = json.as<TensorRef>()) found.push_back(tensor->tensor);
  if (const auto* items = json.as<JsonArray>())
    for (const Json& item : *items) collect_tensors(item, found);
  if (const auto* fields = json.as<JsonObject>())
    for (const auto& [key, value] : *fields) collect_tensors(value, found);
}

std::string to_text(const Json& json) {
  std::string text;
  print_json(json, text, [](TensorIndex, std::string&) { check(false, "a config with a tensor"); });
  return text;
}

}  // namespace ferryman::keras
