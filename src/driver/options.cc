#include "driver/options.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "driver/pass_list.h"
#include "targets/targets.h"

namespace ferryman {

namespace {

using simdjson::dom::element;

Result<std::string> parse_text(std::string_view key, element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return bad_option(fmt::format("{}: not a text", key));
  return std::string(text);
}

Result<std::vector<std::string>> parse_texts(std::string_view key, element value) {
  std::vector<std::string> texts;
  if (value.is_null()) return texts;
  simdjson::dom::array items;
  if (value.get(items) != simdjson::SUCCESS) return bad_option(fmt::format("{}: not a list", key));
  for (const element item : items) {
    FERRYMAN_TRY(std::string text, parse_text(key, item));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::map<std::string, std::string>> parse_map(std::string_view key, element value) {
  std::map<std::string, std::string> texts;
  simdjson::dom::object entries;
  if (value.get(entries) != simdjson::SUCCESS) return bad_option(fmt::format("{}: not a map", key));
  for (const auto& [name, item] : entries) {
    FERRYMAN_TRY(std::string text, parse_text(key, item));
    texts.emplace(std::string(name), std::move(text));
  }
  return texts;
}

Result<PortNames> parse_names(std::string_view key, element value) {
  PortNames names;
  if (value.is_object()) {
    FERRYMAN_TRY(names.renamed, parse_map(key, value));
  } else {
    FERRYMAN_TRY(names.all, parse_texts(key, value));
  }
  return names;
}

Status parse_entry(std::string_view key, element value, ConvertOptions& options) {
  if (key == "target") {
    FERRYMAN_TRY(options.target, parse_text(key, value));
    const Result<const Target*> found = find_target(options.target);
    return found.ok() ? Status() : found.diag();
  }
  if (key == "input_layouts") {
    FERRYMAN_TRY(options.input_layouts, parse_map(key, value));
  } else if (key == "output_layouts") {
    FERRYMAN_TRY(options.output_layouts, parse_map(key, value));
  } else if (key == "input_names") {
    FERRYMAN_TRY(options.input_names, parse_names(key, value));
  } else if (key == "output_names") {
    FERRYMAN_TRY(options.output_names, parse_names(key, value));
  } else if (key == "recurrent") {
    FERRYMAN_TRY(const std::string form, parse_text(key, value));
    FERRYMAN_TRY(options.choices.recurrent, parse_recurrent_form(form));
  } else if (key == "nan") {
    FERRYMAN_TRY(const std::string form, parse_text(key, value));
    FERRYMAN_TRY(options.choices.nan, parse_nan_form(form));
  } else if (key == "nested") {
    FERRYMAN_TRY(options.nested, parse_texts(key, value));
  } else if (key == "state") {
    FERRYMAN_TRY(const std::string form, parse_text(key, value));
    FERRYMAN_TRY(options.choices.state, parse_state_form(form));
  } else if (key == "bodies_folder") {
    FERRYMAN_TRY(options.bodies_folder, parse_text(key, value));
  } else if (key == "disabled_passes") {
    FERRYMAN_TRY(options.passes.disabled, parse_texts(key, value));
  } else {
    return bad_option(fmt::format("unknown option '{}'", key));
  }
  return {};
}

}  // namespace

Diag bad_option(std::string what) {
  return Diag::error(DiagCode::kBadOption, std::move(what));
}

Result<ConvertOptions> parse_options(std::string_view json) {
  ConvertOptions options;
  simdjson::dom::parser parser;
  simdjson::dom::object entries;
  const simdjson::padded_string padded(json);
  if (parser.parse(padded).get(entries) != simdjson::SUCCESS) {
    return bad_option("the options are not a JSON object");
  }
  for (const auto& [key, value] : entries) {
    FERRYMAN_TRY_STATUS(parse_entry(key, value, options));
  }
  FERRYMAN_TRY_STATUS(check_pass_names(options.passes));
  return options;
}

Result<RecurrentForm> parse_recurrent_form(std::string_view text) {
  if (text == "auto") return RecurrentForm::kAuto;
  if (text == "unrolled") return RecurrentForm::kUnrolled;
  if (text == "loop") return RecurrentForm::kLoop;
  return bad_option(fmt::format("recurrent layers as '{}'", text))
      .because("a recurrent layer is 'auto', 'unrolled' or 'loop'");
}

Result<NanForm> parse_nan_form(std::string_view text) {
  if (text == "fast") return NanForm::kFast;
  if (text == "exact") return NanForm::kExact;
  return bad_option(fmt::format("NaN as '{}'", text)).because("NaN is 'fast' or 'exact'");
}

Result<StateForm> parse_state_form(std::string_view text) {
  if (text == "variables") return StateForm::kVariables;
  if (text == "explicit") return StateForm::kExplicit;
  return bad_option(fmt::format("state as '{}'", text))
      .because("what forward writes to its buffers is kept in 'variables' or 'explicit'");
}

}  // namespace ferryman
