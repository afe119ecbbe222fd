#include "driver/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>

namespace ferryman {

namespace {

using simdjson::dom::element;

Diag bad_option(std::string what) {
  return Diag::error(DiagCode::kBadOption, std::move(what));
}

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

Result<std::map<std::string, std::string>> parse_layouts(std::string_view key, element value) {
  std::map<std::string, std::string> layouts;
  simdjson::dom::object entries;
  if (value.get(entries) != simdjson::SUCCESS) return bad_option(fmt::format("{}: not a map", key));
  for (const auto& [name, layout] : entries) {
    FERRYMAN_TRY(std::string text, parse_text(key, layout));
    layouts.emplace(std::string(name), std::move(text));
  }
  return layouts;
}

Status parse_entry(std::string_view key, element value, ConvertOptions& options) {
  if (key == "target") {
    FERRYMAN_TRY(const std::string target, parse_text(key, value));
    if (target == "tflite") return {};
    return bad_option(fmt::format("target '{}' is not available yet; use 'tflite'", target));
  }
  if (key == "input_layouts") {
    FERRYMAN_TRY(options.input_layouts, parse_layouts(key, value));
  } else if (key == "output_layouts") {
    FERRYMAN_TRY(options.output_layouts, parse_layouts(key, value));
  } else if (key == "input_names") {
    FERRYMAN_TRY(options.input_names, parse_texts(key, value));
  } else if (key == "output_names") {
    FERRYMAN_TRY(options.output_names, parse_texts(key, value));
  } else if (key == "recurrent") {
    FERRYMAN_TRY(const std::string form, parse_text(key, value));
    FERRYMAN_TRY(options.recurrent, parse_recurrent_form(form));
  } else if (key == "nan") {
    FERRYMAN_TRY(const std::string form, parse_text(key, value));
    FERRYMAN_TRY(options.nan, parse_nan_form(form));
  } else if (key == "disabled_passes") {
    FERRYMAN_TRY(options.passes.disabled, parse_texts(key, value));
  } else {
    return bad_option(fmt::format("unknown option '{}'", key));
  }
  return {};
}

struct Port {
  std::string name;
  size_t rank;
};

Result<layout::IoLayout> layout_of(const Port& port, const std::string& wanted) {
  using Kind = layout::IoLayout::Kind;
  if (wanted == "any") return layout::IoLayout{Kind::kAny, {}};
  if (wanted == "channels_first") return layout::IoLayout{Kind::kLogical, {}};
  if (wanted != "channels_last") {
    return bad_option(fmt::format("layout '{}' of '{}'", wanted, port.name))
        .because("a layout is 'channels_last', 'channels_first' or 'any'");
  }
  if (port.rank < 3) {
    return bad_option(fmt::format("'{}' cannot be channels_last", port.name))
        .because(fmt::format("it has {} axes; channels_last moves axis 1 behind the spatial axes",
                             port.rank));
  }
  layout::IoLayout layout{Kind::kOrder, {0}};
  for (size_t axis = 2; axis < port.rank; ++axis) layout.order.push_back(static_cast<int>(axis));
  layout.order.push_back(1);
  return layout;
}

Result<std::vector<layout::IoLayout>> resolve(const std::vector<Port>& ports,
                                              const std::map<std::string, std::string>& wanted) {
  std::vector<layout::IoLayout> layouts(ports.size());
  for (const auto& [name, layout] : wanted) {
    bool matched = name == "*";
    for (size_t i = 0; i < ports.size(); ++i) {
      // "*" speaks of images: what has no spatial axes stays as it is.
      const bool is_meant = ports[i].name == name ||
                            (name == "*" && ports[i].rank >= 3 && !wanted.contains(ports[i].name));
      if (!is_meant) continue;
      FERRYMAN_TRY(layouts[i], layout_of(ports[i], layout));
      matched = true;
    }
    if (matched) continue;
    std::vector<std::string> names;
    for (const Port& port : ports) names.push_back(port.name);
    return bad_option(fmt::format("a layout for '{}', which the model does not have", name))
        .hint(fmt::format("the names are: {}", fmt::join(names, ", ")));
  }
  return layouts;
}

Status check_names(std::string_view what, const std::vector<std::string>& names, size_t count) {
  if (names.empty()) return {};
  if (names.size() != count) {
    return bad_option(
        fmt::format("{} names {} tensors, where the model has {}", what, names.size(), count));
  }
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return {};
  return bad_option(fmt::format("{} has '{}' twice", what, *twice));
}

}  // namespace

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
  return options;
}

Result<tflite::RecurrentForm> parse_recurrent_form(std::string_view text) {
  if (text == "auto") return tflite::RecurrentForm::kAuto;
  if (text == "unrolled") return tflite::RecurrentForm::kUnrolled;
  if (text == "loop") return tflite::RecurrentForm::kLoop;
  return bad_option(fmt::format("recurrent layers as '{}'", text))
      .because("a recurrent layer is 'auto', 'unrolled' or 'loop'");
}

Result<tflite::NanForm> parse_nan_form(std::string_view text) {
  if (text == "fast") return tflite::NanForm::kFast;
  if (text == "exact") return tflite::NanForm::kExact;
  return bad_option(fmt::format("NaN as '{}'", text)).because("NaN is 'fast' or 'exact'");
}

Result<layout::IoLayouts> resolve_io_layouts(const Graph& graph, const ConvertOptions& options) {
  std::vector<Port> inputs, outputs;
  for (const ValueId input : graph.inputs()) {
    inputs.push_back({graph.value(input).name, graph.type(input).rank()});
  }
  for (const GraphOutput& output : graph.outputs()) {
    outputs.push_back({output.name, graph.type(output.value).rank()});
  }
  layout::IoLayouts layouts;
  FERRYMAN_TRY(layouts.inputs, resolve(inputs, options.input_layouts));
  FERRYMAN_TRY(layouts.outputs, resolve(outputs, options.output_layouts));
  return layouts;
}

Status check_port_names(const Graph& graph, const ConvertOptions& options) {
  FERRYMAN_TRY_STATUS(check_names("input_names", options.input_names, graph.inputs().size()));
  return check_names("output_names", options.output_names, graph.outputs().size());
}

}  // namespace ferryman
