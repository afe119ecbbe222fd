#include "tests/support/program_json.h"

#include <fmt/format.h>

#include <cmath>
#include <type_traits>

#include "support/check.h"
#include "support/json_text.h"

namespace ferryman::frontend {

namespace {

template <typename Range, typename Print>
std::string list(const Range& range, const Print& print) {
  std::string text;
  for (const auto& element : range) {
    if (!text.empty()) text += ", ";
    text += print(element);
  }
  return "[" + text + "]";
}

std::string index(ValueIndex value) {
  return value == kNoValue ? "null" : std::to_string(value);
}

std::string size(const SymSize& size) {
  return size.is_static() ? std::to_string(size.value) : json_quote(size.expr);
}

std::string number(double value) {
  if (std::isfinite(value)) {
    // Keeps 2.0 apart from 2.
    std::string text = fmt::format("{}", value);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }
  return fmt::format(R"({{"float": "{}"}})", value);
}

std::string argument(const Argument& arg) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, None>)
          return "null";
        else if constexpr (std::is_same_v<T, bool>)
          return value ? "true" : "false";
        else if constexpr (std::is_same_v<T, int64_t>)
          return std::to_string(value);
        else if constexpr (std::is_same_v<T, double>)
          return number(value);
        else if constexpr (std::is_same_v<T, std::string>)
          return json_quote(value);
        else if constexpr (std::is_same_v<T, DTypeArg>) {
          return fmt::format(R"({{"dtype": "{}"}})", torch_name(value.dtype));
        } else if constexpr (std::is_same_v<T, EnumArg>) {
          return fmt::format("{{{}: {}}}", json_quote(value.kind), json_quote(value.text));
        } else if constexpr (std::is_same_v<T, ValueRef>) {
          return fmt::format(R"({{"value": {}}})", index(value.value));
        } else if constexpr (std::is_same_v<T, GraphRef>) {
          return fmt::format(R"({{"graph": {}}})", value.graph);
        } else {
          static_assert(std::is_same_v<T, ArgumentList>);
          return list(value, argument);
        }
      },
      arg.value);
}

std::string value(const Value& value) {
  std::string text = "{\"name\": " + json_quote(value.name);
  if (value.tensor) {
    text += fmt::format(R"(, "dtype": "{}", "sizes": {}, "strides": {})",
                        torch_name(value.tensor->dtype), list(value.tensor->sizes, size),
                        list(value.tensor->strides, size));
  }
  return text + "}";
}

std::string node(const Node& node) {
  const std::string args = list(node.args, [](const NamedArgument& named) {
    return "[" + json_quote(named.name) + ", " + argument(named.arg) + "]";
  });
  return fmt::format(R"({{"target": {}, "name": {}, "args": {}, "results": {}}})",
                     json_quote(node.target), json_quote(node.name), args,
                     list(node.results, index));
}

std::string input(const Input& input) {
  return fmt::format(R"({{"kind": "{}", "name": {}, "value": {}}})", to_string(input.kind),
                     json_quote(input.name), index(input.value));
}

std::string output(const Output& output) {
  return fmt::format(R"({{"kind": "{}", "name": {}, "arg": {}}})", to_string(output.kind),
                     json_quote(output.name), argument(output.arg));
}

std::string subgraph(const Subgraph& graph) {
  return fmt::format(R"({{"name": {}, "inputs": {}, "nodes": {}, "outputs": {}}})",
                     json_quote(graph.name), list(graph.inputs, index), list(graph.nodes, node),
                     list(graph.outputs, argument));
}

}  // namespace

std::string program_to_json(const Program& program) {
  return fmt::format(
      "{{\"values\": {},\n\"inputs\": {},\n\"nodes\": {},\n\"outputs\": {},\n\"subgraphs\": {}}}\n",
      list(program.values, value), list(program.inputs, input), list(program.nodes, node),
      list(program.outputs, output), list(program.subgraphs, subgraph));
}

}  // namespace ferryman::frontend
