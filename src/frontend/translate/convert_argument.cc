#include "frontend/translate/convert_argument.h"

#include <fmt/format.h>

#include "frontend/complex/complex_values.h"

namespace ferryman::frontend {

namespace {

// Arguments that say where a tensor lies and how; they carry no numbers.
bool is_placement(const EnumArg& arg) {
  return arg.kind == "memory_format" || arg.kind == "device" ||
         (arg.kind == "layout" && arg.text.ends_with("strided"));
}

Result<ImportArg> convert_word(const EnumArg& word, std::string_view name) {
  if (is_placement(word)) return ImportArg{};
  if (word.kind != "complex") return ImportArg{word.text};
  const std::optional<std::complex<double>> number = parse_complex(word.text);
  if (!number.has_value()) return bad_argument(name, "is a malformed complex number");
  return ImportArg{*number};
}

}  // namespace

Diag bad_argument(std::string_view name, std::string_view what) {
  return Diag::error(DiagCode::kUnsupportedForm, fmt::format("argument '{}' {}", name, what));
}

Result<ImportArg> convert_argument(const Argument& arg, std::string_view name,
                                   const ValueOf& value_of) {
  if (arg.is_none()) return ImportArg{};
  if (const auto* flag = arg.as<bool>()) return ImportArg{*flag};
  if (const auto* integer = arg.as<int64_t>()) return ImportArg{*integer};
  if (const auto* real = arg.as<double>()) return ImportArg{*real};
  if (const auto* text = arg.as<std::string>()) return ImportArg{*text};
  if (const auto* dtype = arg.as<DTypeArg>()) return ImportArg{dtype->dtype};
  if (const auto* ref = arg.as<ValueRef>()) return value_of(ref->value);
  if (const auto* word = arg.as<EnumArg>()) return convert_word(*word, name);
  const auto* list = arg.as<ArgumentList>();
  if (list == nullptr) return bad_argument(name, "is a graph");
  ImportArgs items;
  for (const Argument& item : *list) {
    FERRYMAN_TRY(ImportArg converted, convert_argument(item, name, value_of));
    items.push_back(std::move(converted));
  }
  return ImportArg{std::move(items)};
}

}  // namespace ferryman::frontend
