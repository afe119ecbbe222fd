#include "frontend/program/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "support/check.h"

namespace ferryman::frontend {

bool Argument::operator==(const Argument& other) const {
  return value == other.value;
}

namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

// Always recognisable as a float: "1.0", "1e-05", "inf".
std::string print_float(double number) {
  std::string text = fmt::format("{}", number);
  if (std::isfinite(number) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string print_size(const SymSize& size) {
  return size.is_static() ? fmt::format("{}", size.value) : size.expr;
}

std::string print_list(const std::vector<SymSize>& sizes) {
  std::vector<std::string> texts(sizes.size());
  std::transform(sizes.begin(), sizes.end(), texts.begin(), print_size);
  return fmt::format("{}", fmt::join(texts, ", "));
}

bool is_contiguous(const TensorMeta& tensor) {
  int64_t expected = 1;
  for (size_t axis = tensor.sizes.size(); axis-- > 0;) {
    const SymSize& size = tensor.sizes[axis];
    if (!size.is_static() || !tensor.strides[axis].is_static()) return false;
    if (size.value != 1 && tensor.strides[axis].value != expected) return false;
    if (__builtin_mul_overflow(expected, size.value, &expected)) return false;
  }
  return true;
}

// 64-bit FNV-1a over the first bytes: enough to notice a weight under the wrong name, and quick.
uint64_t fingerprint(std::span<const std::byte> bytes) {
  constexpr size_t kMaxBytes = 4096;
  uint64_t hash = 14695981039346656037u;
  for (const std::byte byte : bytes.first(std::min(bytes.size(), kMaxBytes))) {
    hash = (hash ^ static_cast<uint64_t>(byte)) * 1099511628211u;
  }
  return hash;
}

std::string_view to_string(NumberKind kind) {
  switch (kind) {
    case NumberKind::kInt:
      return "int";
    case NumberKind::kFloat:
      return "float";
    case NumberKind::kBool:
      return "bool";
  }
  return "unknown";
}

class Printer {
 public:
  explicit Printer(const Program& program) : program_(program) {}

  std::string print() {
    text_ = fmt::format("program torch {}\n", program_.torch_version);
    for (const Program::SymbolRange& range : program_.symbols) {
      text_ += fmt::format("symbol {} in [{}, {}]\n", range.symbol, range.min, range.max);
    }
    for (const std::string& guard : program_.guards) text_ += fmt::format("guard {}\n", guard);
    for (const Input& input : program_.inputs) print_input(input);
    for (const Node& node : program_.nodes) print_node(node, 0);
    for (const Output& output : program_.outputs) {
      text_ += fmt::format("output {} {} = {}\n", to_string(output.kind), quote(output.name),
                           print_argument(output.arg));
    }
    return std::move(text_);
  }

 private:
  std::string print_type(const Value& value) const {
    if (value.number) {
      const std::string_view kind = to_string(value.number_kind);
      if (value.number->is_static()) return fmt::format("{} {}", kind, value.number->value);
      return fmt::format("{} {}", kind, value.number->expr);
    }
    if (!value.tensor) return "object";
    const TensorMeta& tensor = *value.tensor;
    std::string text =
        fmt::format("{}[{}]", ferryman::to_string(tensor.dtype), print_list(tensor.sizes));
    if (!is_contiguous(tensor)) text += fmt::format(" strides [{}]", print_list(tensor.strides));
    return text;
  }

  std::string print_reference(ValueIndex value) const {
    if (value == kNoValue) return "none";
    return value < program_.values.size() ? "%" + program_.values[value].name
                                          : fmt::format("%<out of range: {}>", value);
  }

  std::string print_definition(ValueIndex value) const {
    if (value >= program_.values.size()) return print_reference(value);
    const Value& defined = program_.values[value];
    return fmt::format("%{}: {}", defined.name, print_type(defined));
  }

  std::string print_argument(const Argument& arg) const {
    return std::visit(
        Overloaded{
            [](None) -> std::string { return "none"; },
            [](bool flag) -> std::string { return flag ? "true" : "false"; },
            [](int64_t number) { return fmt::format("{}", number); },
            [](double number) { return print_float(number); },
            [](const std::string& text) { return quote(text); },
            [](DTypeArg arg) { return std::string(ferryman::to_string(arg.dtype)); },
            [](const EnumArg& arg) { return fmt::format("{}:{}", arg.kind, arg.text); },
            [&](ValueRef ref) { return print_reference(ref.value); },
            [&](GraphRef ref) {
              return ref.graph < program_.subgraphs.size()
                         ? "graph " + program_.subgraphs[ref.graph].name
                         : std::string("graph <out of range>");
            },
            [&](const ArgumentList& list) {
              std::vector<std::string> items;
              for (const Argument& item : list) items.push_back(print_argument(item));
              return fmt::format("[{}]", fmt::join(items, ", "));
            },
        },
        arg.value);
  }

  void print_input(const Input& input) {
    text_ += fmt::format("input {} {} = ", to_string(input.kind), quote(input.name));
    if (input.value == kNoValue) {
      text_ += print_argument(input.constant) + "\n";
      return;
    }
    text_ += print_definition(input.value);
    if (input.data) {
      const size_t num_bytes = input.data->storage ? input.data->storage->size() : 0;
      const auto [entry, is_new] =
          storage_numbers_.try_emplace(input.storage_id, storage_numbers_.size());
      text_ += fmt::format(" in storage {} at {} strides [{}]", entry->second, input.data->offset,
                           fmt::join(input.data->strides, ", "));
      if (is_new && num_bytes > 0) {
        text_ +=
            fmt::format(", {} bytes {:016x}", num_bytes, fingerprint(input.data->storage->bytes()));
      }
    }
    text_ += "\n";
  }

  void print_node(const Node& node, size_t depth) {
    const std::string indent(2 * depth, ' ');
    std::vector<std::string> results;
    for (const ValueIndex result : node.results) results.push_back(print_definition(result));
    std::vector<std::string> args;
    for (const NamedArgument& named : node.args) {
      args.push_back((named.name.empty() ? "" : named.name + "=") + print_argument(named.arg));
    }
    text_ += fmt::format("{}{}{}{}({}){}\n", indent, fmt::join(results, ", "),
                         results.empty() ? "" : " = ", node.target, fmt::join(args, ", "),
                         print_location(node.location));
    for (const NamedArgument& named : node.args) print_graphs_of(named.arg, depth + 1);
  }

  static std::string print_location(const SourceLocation& location) {
    if (location.empty() && location.module_type.empty()) return "";
    return fmt::format("  loc({}; {}; {}; {}:{})", location.node, location.module_path,
                       location.module_type, location.file, location.line);
  }

  void print_graphs_of(const Argument& arg, size_t depth) {
    if (const auto* list = arg.as<ArgumentList>()) {
      for (const Argument& item : *list) print_graphs_of(item, depth);
    }
    const auto* ref = arg.as<GraphRef>();
    if (ref == nullptr || ref->graph >= program_.subgraphs.size()) return;
    const Subgraph& graph = program_.subgraphs[ref->graph];
    const std::string indent(2 * depth, ' ');
    std::vector<std::string> inputs;
    for (const ValueIndex input : graph.inputs) inputs.push_back(print_definition(input));
    std::vector<std::string> outputs;
    for (const Argument& output : graph.outputs) outputs.push_back(print_argument(output));
    text_ += fmt::format("{}graph {}({}):\n", indent, graph.name, fmt::join(inputs, ", "));
    for (const Node& node : graph.nodes) print_node(node, depth + 1);
    text_ += fmt::format("{}  return {}\n", indent, fmt::join(outputs, ", "));
  }

  const Program& program_;
  std::string text_;
  // Storage ids differ between the two sources; their order of appearance does not.
  std::unordered_map<int64_t, size_t> storage_numbers_;
};

}  // namespace

std::string_view to_string(InputKind kind) {
  switch (kind) {
    case InputKind::kUser:
      return "user";
    case InputKind::kParameter:
      return "parameter";
    case InputKind::kBuffer:
      return "buffer";
    case InputKind::kConstant:
      return "constant";
    case InputKind::kToken:
      return "token";
    case InputKind::kCustomObject:
      return "custom_object";
  }
  internal_error("an input kind without a name");
}

std::string_view to_string(OutputKind kind) {
  switch (kind) {
    case OutputKind::kUser:
      return "user";
    case OutputKind::kBufferMutation:
      return "buffer_mutation";
    case OutputKind::kParameterMutation:
      return "parameter_mutation";
    case OutputKind::kInputMutation:
      return "input_mutation";
    case OutputKind::kToken:
      return "token";
  }
  internal_error("an output kind without a name");
}

std::string print_program(const Program& program) {
  return Printer(program).print();
}

std::string inside(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}/{}", path, name);
}

}  // namespace ferryman::frontend
