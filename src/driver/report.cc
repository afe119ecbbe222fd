#include "driver/report.h"

#include <fmt/format.h>

#include <concepts>
#include <type_traits>

#include "driver/report_fields.h"
#include "support/diagnostic_json.h"
#include "support/json_text.h"

namespace ferryman {

std::string_view to_string(ComplexPart part) {
  switch (part) {
    case ComplexPart::kNone:
      return "";
    case ComplexPart::kReal:
      return "real";
    case ComplexPart::kImag:
      return "imag";
    case ComplexPart::kPair:
      return "pair";
  }
  return "";
}

std::string_view to_string(NanForm nan) {
  switch (nan) {
    case NanForm::kFast:
      return "fast";
    case NanForm::kExact:
      return "exact";
  }
  return "";
}

namespace {

struct AnyVisitor {
  template <typename T>
  void operator()(std::string_view, const T&, std::string_view) {}
};

template <typename T>
concept HasFields = requires(AnyVisitor& visitor, const T& value) { visit_fields(visitor, value); };

template <typename T>
constexpr bool kIsList = false;
template <typename T>
constexpr bool kIsList<std::vector<T>> = true;
template <typename T>
constexpr bool kIsOptional = false;
template <typename T>
constexpr bool kIsOptional<std::optional<T>> = true;

// ---- values ----

template <typename T>
std::string json_of(const T& value);

class FieldWriter {
 public:
  template <typename T>
  void operator()(std::string_view name, const T& value, std::string_view) {
    text_ += fmt::format("{}\"{}\": {}", text_.empty() ? "" : ", ", name, json_of(value));
  }
  std::string object() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

std::string json_of_counts(const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", json_quote(name), count);
  return "{" + text + "}";
}

template <typename T>
std::string json_of_list(const std::vector<T>& list) {
  std::string text;
  for (const T& item : list) text += (text.empty() ? "" : ", ") + json_of(item);
  return "[" + text + "]";
}

template <typename T>
std::string json_of(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::integral<T>) {
    return std::to_string(value);
  } else if constexpr (std::floating_point<T>) {
    return fmt::format("{:.9f}", value);
  } else if constexpr (std::convertible_to<T, std::string_view>) {
    return json_quote(value);
  } else if constexpr (std::same_as<T, ToldSize>) {
    return std::visit([](const auto& size) { return json_of(size); }, value);
  } else if constexpr (kIsList<T>) {
    return json_of_list(value);
  } else if constexpr (kIsOptional<T>) {
    return value.has_value() ? json_of(*value) : "null";
  } else if constexpr (HasFields<T>) {
    FieldWriter writer;
    visit_fields(writer, value);
    return writer.object();
  } else if constexpr (std::same_as<T, std::map<std::string, int64_t>>) {
    return json_of_counts(value);
  } else {
    return to_json(value);  // places and remarks: support/diagnostic_json.h
  }
}

// ---- the schema ----

template <typename T>
std::string schema_of();

std::string with_meaning(std::string schema, std::string_view meaning) {
  if (meaning.empty()) return schema;
  schema.pop_back();
  return fmt::format("{}, \"description\": {}}}", schema, json_quote(meaning));
}

class SchemaWriter {
 public:
  template <typename T>
  void operator()(std::string_view name, const T&, std::string_view meaning) {
    const std::string_view comma = names_.empty() ? "" : ", ";
    fields_ += fmt::format("{}\"{}\": {}", comma, name, with_meaning(schema_of<T>(), meaning));
    names_ += fmt::format("{}\"{}\"", comma, name);
  }
  std::string object() const {
    return fmt::format(R"({{"type": "object", "properties": {{{}}}, "required": [{}]}})", fields_,
                       names_);
  }

 private:
  std::string fields_, names_;
};

template <typename T>
std::string schema_of_list(const std::vector<T>*) {
  return fmt::format(R"({{"type": "array", "items": {}}})", schema_of<T>());
}

template <typename T>
std::string schema_of() {
  if constexpr (std::same_as<T, bool>) {
    return R"({"type": "boolean"})";
  } else if constexpr (std::integral<T>) {
    return R"({"type": "integer"})";
  } else if constexpr (std::floating_point<T>) {
    return R"({"type": "number"})";
  } else if constexpr (std::convertible_to<T, std::string_view>) {
    return R"({"type": "string"})";
  } else if constexpr (std::same_as<T, ToldSize>) {
    return R"({"type": ["integer", "string"]})";
  } else if constexpr (kIsList<T>) {
    return schema_of_list(static_cast<const T*>(nullptr));
  } else if constexpr (kIsOptional<T>) {
    return fmt::format(R"({{"anyOf": [{}, {{"type": "null"}}]}})",
                       schema_of<typename T::value_type>());
  } else if constexpr (HasFields<T>) {
    SchemaWriter writer;
    visit_fields(writer, T());
    return writer.object();
  } else if constexpr (std::same_as<T, Diagnostics>) {
    return R"({"type": "array", "items": {"type": "object"}})";
  } else {
    return R"({"type": "object"})";
  }
}

}  // namespace

std::string to_json(const ConvertReport& report) {
  return json_of(report);
}

std::string report_schema() {
  return schema_of<ConvertReport>();
}

}  // namespace ferryman
