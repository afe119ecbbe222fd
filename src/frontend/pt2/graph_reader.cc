#include "frontend/pt2/graph_reader.h"

#include <fmt/format.h>

#include <array>

#include "frontend/program/finish_program.h"
#include "frontend/program/location.h"
#include "frontend/pt2/enums.h"
#include "frontend/pt2/json_types.h"

namespace ferryman::frontend {

namespace {

constexpr int kMaxGraphDepth = 30;

std::string_view drop_prefix(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

// Arguments whose payload is a list of another kind of argument.
struct ListKind {
  std::string_view key;
  std::string_view item;
};
constexpr std::array kListKinds = {
    ListKind{"as_tensors", "as_tensor"},
    ListKind{"as_ints", "as_int"},
    ListKind{"as_floats", "as_float"},
    ListKind{"as_strings", "as_string"},
    ListKind{"as_bools", "as_bool"},
    ListKind{"as_sym_ints", "as_sym_int"},
    ListKind{"as_sym_floats", "as_sym_float"},
    ListKind{"as_sym_bools", "as_sym_bool"},
    ListKind{"as_optional_tensors", "as_optional_tensor"},
    ListKind{"as_nested_tensors", "as_tensors"},
    ListKind{"as_int_lists", "as_ints"},
    ListKind{"as_float_lists", "as_floats"},
};

std::string_view item_kind(std::string_view key) {
  for (const ListKind& kind : kListKinds) {
    if (kind.key == key) return kind.item;
  }
  return "";
}

Argument read_enum(std::string_view kind, std::optional<std::string_view> name,
                   const JsonCursor& number) {
  if (name) return {EnumArg{std::string(kind), std::string(*name)}};
  number.fail(fmt::format("unknown {}", kind));
  return {};
}

}  // namespace

GraphReader::GraphReader(const JsonCursor& graph, Program& program, int depth)
    : graph_(graph),
      tensor_fields_(graph_["tensor_values"]),
      int_fields_(graph_.optional("sym_int_values")),
      float_fields_(graph_.optional("sym_float_values")),
      bool_fields_(graph_.optional("sym_bool_values")),
      tensors_(read_table(tensor_fields_)),
      ints_(read_table(int_fields_)),
      floats_(read_table(float_fields_)),
      bools_(read_table(bool_fields_)),
      program_(program),
      depth_(depth) {
  if (depth_ > kMaxGraphDepth) graph.fail("graphs are nested too deeply");
}

GraphReader::Table GraphReader::read_table(const JsonCursor& fields) {
  Table table;
  if (fields.is_null()) return table;
  for (const JsonCursor& field : fields.fields()) table.emplace(field.key(), field);
  return table;
}

// Values ------------------------------------------------------------------------------------------

ValueIndex GraphReader::define(const JsonCursor& name, Value value) {
  const std::string_view text = name.text();
  if (name.failed()) return kNoValue;
  const auto index = static_cast<ValueIndex>(program_.values.size());
  if (!names_.emplace(text, index).second) {
    name.fail(fmt::format("'{}' is defined twice", text));
    return kNoValue;
  }
  value.name = text;
  program_.values.push_back(std::move(value));
  return index;
}

const JsonCursor* GraphReader::find_type(const Table& table, const JsonCursor& name) const {
  const auto entry = table.find(name.text());
  if (entry != table.end()) return &entry->second;
  name.fail(fmt::format("'{}' has no entry among the graph's values", name.text()));
  return nullptr;
}

ValueIndex GraphReader::define_tensor(const JsonCursor& name) {
  const JsonCursor* type = find_type(tensors_, name);
  return type == nullptr
             ? kNoValue
             : define(name, Value{.name = {}, .tensor = read_tensor_meta(*type), .number = {}});
}

ValueIndex GraphReader::define_object(const JsonCursor& name) {
  return define(name, Value{});
}

ValueIndex GraphReader::define_number(const JsonCursor& reference, const Table& table,
                                      NumberKind kind) {
  const JsonCursor name = reference["as_name"];
  const JsonCursor* number = find_type(table, name);
  return number == nullptr ? kNoValue
                           : define(name, Value{.name = {},
                                                .tensor = {},
                                                .number = read_sym_number(*number),
                                                .number_kind = kind});
}

ValueIndex GraphReader::define_input(const JsonCursor& argument) {
  const JsonCursor payload = argument.alternative();
  const std::string_view kind = payload.key();
  if (kind == "as_tensor") return define_tensor(payload["name"]);
  if (kind == "as_sym_int") return define_number(payload, ints_, NumberKind::kInt);
  if (kind == "as_sym_float") return define_number(payload, floats_, NumberKind::kFloat);
  if (kind == "as_sym_bool") return define_number(payload, bools_, NumberKind::kBool);
  if (kind == "as_custom_obj") return define_object(payload["name"]);
  return kNoValue;
}

// Nodes -------------------------------------------------------------------------------------------

std::vector<Node> GraphReader::read_nodes() {
  std::vector<Node> nodes;
  const JsonCursor list = graph_["nodes"];
  for (const JsonCursor& node : list.items()) nodes.push_back(read_node(node));
  return nodes;
}

Node GraphReader::read_node(const JsonCursor& node) {
  Node result;
  result.target = drop_prefix(node["target"].text(), "torch.ops.");
  const JsonCursor inputs = node["inputs"];
  for (const JsonCursor& input : inputs.items()) {
    const JsonCursor argument = input["arg"];
    result.args.push_back({std::string(input["name"].text()), read_argument(argument)});
  }
  const JsonCursor outputs = node["outputs"];
  for (const JsonCursor& output : outputs.items()) read_results(output, result.results);
  // Files of torch 2.9 (schema before 8.16) have no node names: that of the result is the same.
  const JsonCursor name = node.optional("name");
  if (!name.is_null()) {
    result.name = name.text();
  } else if (!result.results.empty() && result.results.front() != kNoValue) {
    result.name = program_.values[result.results.front()].name;
  }
  const JsonCursor metadata = node["metadata"];
  const JsonCursor modules = metadata.optional("nn_module_stack");
  const JsonCursor trace = metadata.optional("stack_trace");
  result.location = make_location(
      result.name, modules.is_null() ? ModuleCall{} : innermost_module(modules.text()),
      trace.is_null() ? std::string_view() : trace.text());
  return result;
}

void GraphReader::read_results(const JsonCursor& argument, std::vector<ValueIndex>& results) {
  const JsonCursor payload = argument.alternative();
  if (payload.key() == "as_none") {
    results.push_back(kNoValue);
  } else if (payload.key() == "as_tensors") {
    for (const JsonCursor& item : payload.items()) results.push_back(define_tensor(item["name"]));
  } else {
    results.push_back(define_input(argument));
    if (results.back() == kNoValue) {
      argument.fail(fmt::format("'{}' cannot be a result", payload.key()));
    }
  }
}

// Arguments ---------------------------------------------------------------------------------------

Argument GraphReader::read_argument(const JsonCursor& argument) {
  const JsonCursor payload = argument.alternative();
  return payload.failed() ? Argument() : read_payload(payload.key(), payload);
}

Argument GraphReader::refer(const JsonCursor& name) const {
  const auto entry = names_.find(name.text());
  if (entry != names_.end()) return {ValueRef{entry->second}};
  name.fail(fmt::format("'{}' is not defined before its use", name.text()));
  return {};
}

Argument GraphReader::read_symbolic(const JsonCursor& reference) const {
  const JsonCursor payload = reference.alternative();
  if (payload.key() == "as_name") return refer(payload);
  if (payload.key() == "as_int") return {payload.integer()};
  if (payload.key() == "as_float") return {payload.number()};
  if (payload.key() == "as_bool") return {payload.boolean()};
  reference.fail(fmt::format("'{}' is no kind of symbolic number", payload.key()));
  return {};
}

Argument GraphReader::read_optional_tensor(const JsonCursor& argument) const {
  const JsonCursor payload = argument.alternative();
  if (payload.key() == "as_none") return {};
  if (payload.key() == "as_tensor") return refer(payload["name"]);
  argument.fail(fmt::format("'{}' is no optional tensor", payload.key()));
  return {};
}

Argument GraphReader::read_scalar_type(const JsonCursor& number) const {
  const ScalarTypeRow* row = find_scalar_type(number.integer());
  if (row == nullptr) {
    number.fail("unknown element type");
    return {};
  }
  if (row->dtype) return {DTypeArg{*row->dtype}};
  return {EnumArg{"dtype", std::string(row->torch_name)}};
}

Argument GraphReader::read_device(const JsonCursor& device) const {
  std::string text(device["type"].text());
  const JsonCursor index = device.optional("index");
  if (!index.is_null()) text += fmt::format(":{}", index.integer());
  return {EnumArg{"device", std::move(text)}};
}

Argument GraphReader::read_custom_object(const JsonCursor& object) const {
  const auto entry = names_.find(object["name"].text());
  if (entry != names_.end()) return {ValueRef{entry->second}};
  return {EnumArg{"custom_obj", std::string(object["class_fqn"].text())}};
}

Argument GraphReader::read_dictionary(const JsonCursor& fields) {
  ArgumentList pairs;
  for (const JsonCursor& field : fields.fields()) {
    pairs.push_back({ArgumentList{{std::string(field.key())}, read_argument(field)}});
  }
  return {std::move(pairs)};
}

Argument GraphReader::read_subgraph(const JsonCursor& argument) {
  const JsonCursor graph = argument["graph"];
  GraphReader reader(graph, program_, depth_ + 1);
  if (argument.failed()) return {};
  Subgraph subgraph;
  subgraph.name = argument["name"].text();
  const JsonCursor inputs = graph["inputs"];
  for (const JsonCursor& input : inputs.items()) {
    subgraph.inputs.push_back(reader.define_input(input));
    if (subgraph.inputs.back() == kNoValue) input.fail("an input of a graph must be a value");
  }
  subgraph.nodes = reader.read_nodes();
  const JsonCursor outputs = graph["outputs"];
  for (const JsonCursor& output : outputs.items()) {
    subgraph.outputs.push_back(reader.read_argument(output));
  }
  program_.subgraphs.push_back(std::move(subgraph));
  return {GraphRef{static_cast<uint32_t>(program_.subgraphs.size() - 1)}};
}

Argument GraphReader::read_complex(const JsonCursor& parts) const {
  return {make_complex(parts["real"].number(), parts["imag"].number())};
}

Argument GraphReader::read_list(std::string_view item_kind, const JsonCursor& payload) {
  ArgumentList list;
  for (const JsonCursor& item : payload.items()) list.push_back(read_payload(item_kind, item));
  return {std::move(list)};
}

Argument GraphReader::read_payload(std::string_view kind, const JsonCursor& payload) {
  if (kind == "as_none") return {};
  if (kind == "as_tensor") return refer(payload["name"]);
  if (kind == "as_int") return {payload.integer()};
  if (kind == "as_float") return {payload.number()};
  if (kind == "as_bool") return {payload.boolean()};
  if (kind == "as_string") return {std::string(payload.text())};
  if (kind == "as_sym_int" || kind == "as_sym_float" || kind == "as_sym_bool") {
    return read_symbolic(payload);
  }
  if (kind == "as_optional_tensor") return read_optional_tensor(payload);
  if (kind == "as_scalar_type") return read_scalar_type(payload);
  if (kind == "as_memory_format") {
    return read_enum("memory_format", memory_format_name(payload.integer()), payload);
  }
  if (kind == "as_layout") return read_enum("layout", layout_name(payload.integer()), payload);
  if (kind == "as_device") return read_device(payload);
  if (kind == "as_complex") return read_complex(payload);
  if (kind == "as_operator") {
    return {EnumArg{"operator", std::string(drop_prefix(payload.text(), "torch.ops."))}};
  }
  if (kind == "as_custom_obj") return read_custom_object(payload);
  if (kind == "as_string_to_argument") return read_dictionary(payload);
  if (kind == "as_graph") return read_subgraph(payload);
  if (const std::string_view item = item_kind(kind); !item.empty()) return read_list(item, payload);
  payload.fail("Ferryman does not know this kind of argument");
  return {};
}

}  // namespace ferryman::frontend
