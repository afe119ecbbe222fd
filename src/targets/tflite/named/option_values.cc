#include "targets/tflite/named/option_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <cmath>
#include <limits>
#include <optional>

#include "support/json_text.h"
#include "targets/tflite/format/option_fields.h"

namespace ferryman::tflite {

namespace {

using simdjson::dom::element;

Diag wrong(std::string_view name, std::string_view wanted) {
  return Diag::error(DiagCode::kBadOption, fmt::format("option '{}' is no {}", name, wanted));
}

// ---- enumerations ----

constexpr std::string_view kNoWord = "?";

template <typename Enum>
std::vector<std::string> words_of() {
  std::vector<std::string> words;
  for (int code = 0; to_string(static_cast<Enum>(code)) != kNoWord; ++code)
    words.emplace_back(to_string(static_cast<Enum>(code)));
  return words;
}
template <>
std::vector<std::string> words_of<ElementType>() {
  std::vector<std::string> words;
  for (int code = 0; code < kNumTensorTypes; ++code)
    words.emplace_back(to_string(static_cast<TensorType>(code)));
  return words;
}

template <typename Enum>
Enum value_of(size_t code) {
  if constexpr (std::is_same_v<Enum, ElementType>) {
    return static_cast<TensorType>(code);
  } else {
    return static_cast<Enum>(code);
  }
}

// ---- specs ----

template <typename Number>
std::string json_list(const std::vector<Number>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

struct ToSpec {
  OptionSpec spec;

  void operator()(bool value) { set("bool", value ? "true" : "false"); }
  void operator()(int32_t value) { set("int", std::to_string(value)); }
  void operator()(int64_t value) { set("int", std::to_string(value)); }
  void operator()(float value) {
    const std::string text = fmt::format("{}", value);
    set("float", text.find_first_of(".e") == std::string::npos ? text + ".0" : text);
  }
  void operator()(const std::string& value) { set("str", json_quote(value)); }
  void operator()(const std::vector<std::byte>&) {}
  void operator()(const std::vector<int32_t>& values) { set("int[]", json_list(values)); }
  void operator()(const std::vector<int64_t>& values) { set("int[]", json_list(values)); }
  void operator()(const std::vector<float>& values) { set("float[]", json_list(values)); }
  template <typename Enum>
  void operator()(Enum value) {
    set("str", json_quote(to_string(value)));
    spec.words = words_of<Enum>();
  }

  void set(std::string_view type, std::string default_value) {
    spec.type = type;
    spec.default_value = std::move(default_value);
  }
};

// ---- setting ----

std::optional<int64_t> integer_in(element value, int64_t min, int64_t max) {
  int64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < min || number > max) return std::nullopt;
  return number;
}

struct FromJson {
  std::string_view name;
  element value;

  Status operator()(bool& field) const {
    return value.get(field) == simdjson::SUCCESS ? Status() : wrong(name, "bool");
  }
  Status operator()(float& field) const {
    double number = 0;
    if (value.get(number) != simdjson::SUCCESS) return wrong(name, "number");
    field = static_cast<float>(number);
    return {};
  }
  Status operator()(std::string& field) const {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return wrong(name, "text");
    field = text;
    return {};
  }
  Status operator()(std::vector<std::byte>&) const { return wrong(name, "option by name"); }
  Status operator()(int32_t& field) const { return integer(field); }
  Status operator()(int64_t& field) const { return integer(field); }
  template <typename Number>
  Status operator()(std::vector<Number>& field) const {
    simdjson::dom::array items;
    if (value.get(items) != simdjson::SUCCESS) return wrong(name, "list of numbers");
    field.clear();
    for (const element item : items)
      FERRYMAN_TRY_STATUS((FromJson{name, item}(field.emplace_back())));
    return {};
  }
  template <typename Enum>
  Status operator()(Enum& field) const {
    const std::vector<std::string> words = words_of<Enum>();
    std::string_view text;
    const bool is_text = value.get(text) == simdjson::SUCCESS;
    for (size_t code = 0; is_text && code < words.size(); ++code) {
      if (words[code] != text) continue;
      field = value_of<Enum>(code);
      return {};
    }
    return Diag::error(DiagCode::kBadOption,
                       fmt::format("option '{}' is one of {}", name, fmt::join(words, ", ")));
  }

  template <typename Number>
  Status integer(Number& field) const {
    using Limits = std::numeric_limits<Number>;
    const std::optional<int64_t> number = integer_in(value, Limits::min(), Limits::max());
    if (!number.has_value())
      return wrong(name, fmt::format("whole number of {} bits", 8 * sizeof(Number)));
    field = static_cast<Number>(*number);
    return {};
  }
};

}  // namespace

std::vector<OptionSpec> option_specs(Op op) {
  std::vector<OptionSpec> specs;
  const Options options = default_options(op_row(op).table);
  visit_fields(options, [&](const FieldRef& field, const auto& value) {
    ToSpec to_spec{{.name = std::string(field.name), .type = {}, .default_value = {}}};
    to_spec(value);
    if (!to_spec.spec.type.empty()) specs.push_back(std::move(to_spec.spec));
  });
  return specs;
}

Status set_option(Options& options, std::string_view name, const element& value) {
  for (const FieldRef& field : fields_of(options)) {
    if (field.name != name) continue;
    return std::visit([&](auto* target) { return FromJson{name, value}(*target); }, field.value);
  }
  return Diag::error(DiagCode::kBadOption, fmt::format("there is no option '{}'", name));
}

}  // namespace ferryman::tflite
