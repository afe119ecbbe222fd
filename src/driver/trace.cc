#include "driver/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace ferryman {

namespace {

using frontend::Argument;
using frontend::ArgumentList;
using frontend::Program;
using frontend::ValueIndex;
using frontend::ValueRef;

bool is_complex(const Program& program, ValueIndex value) {
  const std::optional<frontend::TensorMeta>& tensor = program.values[value].tensor;
  return tensor.has_value() && is_complex(tensor->dtype);
}

void collect_values(const Argument& arg, std::vector<ValueIndex>& values) {
  if (const ValueRef* ref = arg.as<ValueRef>()) values.push_back(ref->value);
  if (const ArgumentList* list = arg.as<ArgumentList>()) {
    for (const Argument& item : *list) collect_values(item, values);
  }
}

// The nodes of a program or of one of its bodies.
struct Scope {
  const Program& program;
  const std::vector<frontend::Node>& nodes;
  std::string path = {};  // of the body: "true_graph_0"
};

// For each value, the results of the first node that reads it.
std::vector<ValueIndex> first_successors(const Scope& scope) {
  std::vector<ValueIndex> successor(scope.program.values.size(), frontend::kNoValue);
  std::vector<ValueIndex> read;
  for (const frontend::Node& node : scope.nodes) {
    if (node.results.empty()) continue;
    read.clear();
    for (const frontend::NamedArgument& arg : node.args) collect_values(arg.arg, read);
    for (const ValueIndex value : read) {
      if (value < successor.size() && successor[value] == frontend::kNoValue) {
        successor[value] = node.results.front();
      }
    }
  }
  return successor;
}

// f32[1, 64, 112, 112]
std::string describe_type(const frontend::TensorMeta& meta) {
  std::string sizes;
  for (const frontend::SymSize& size : meta.sizes) {
    if (!sizes.empty()) sizes += ", ";
    sizes += size.is_static() ? std::to_string(size.value) : size.expr;
  }
  return std::string(to_string(meta.dtype)) + "[" + sizes + "]";
}

class NodeTracer {
 public:
  NodeTracer(const Artifact& artifact, const Graph& graph, Scope scope)
      : scope_(std::move(scope)), program_(scope_.program), successors_(first_successors(scope_)) {
    placements_.reserve(artifact.values.size());
    for (const NamedPlacement& value : artifact.values)
      placements_.emplace(value.node, &value.placement);
    for (const EmittedOperator& op : artifact.operators) {
      if (op.location.valid()) ops_[graph.location(op.location).node].push_back(op.op);
    }
  }

  std::vector<NodeReport> trace() const {
    std::vector<NodeReport> nodes;
    nodes.reserve(scope_.nodes.size());
    for (const frontend::Node& node : scope_.nodes) {
      for (const ValueIndex result : node.results) {
        if (result == frontend::kNoValue) continue;
        nodes.push_back(trace_value(node, result));
      }
    }
    return nodes;
  }

 private:
  NodeReport trace_value(const frontend::Node& node, ValueIndex value) const {
    NodeReport report;
    report.node = program_.values[value].name;
    report.target = node.target;
    report.location = node.location;
    if (program_.values[value].tensor.has_value()) {
      report.type = describe_type(*program_.values[value].tensor);
    }
    const auto ops = ops_.find(frontend::inside(scope_.path, node.name));
    if (ops != ops_.end()) report.ops = ops->second;
    if (is_complex(program_, value)) {
      report.parts = parts_of(report.node);
    } else if (const auto found = placements_.find(report.node); found != placements_.end()) {
      report.placement = PartPlacement{*found->second, ComplexPart::kNone};
    }
    if (!is_in_file(value)) report.fused_into = survivor(value);
    return report;
  }

  // The names that translating gave them.
  std::vector<PartPlacement> parts_of(const std::string& name) const {
    std::vector<PartPlacement> parts;
    const auto add = [&](const std::string& part_name, ComplexPart part) {
      const auto found = placements_.find(part_name);
      if (found != placements_.end()) parts.push_back({*found->second, part});
    };
    add(name, ComplexPart::kPair);
    if (!parts.empty()) return parts;
    add(name + ".real", ComplexPart::kReal);
    add(name + ".imag", ComplexPart::kImag);
    return parts;
  }

  bool is_in_file(ValueIndex value) const {
    const std::string& name = program_.values[value].name;
    return is_complex(program_, value) ? !parts_of(name).empty() : placements_.contains(name);
  }

  // The nearest value downstream that the file has.
  std::string survivor(ValueIndex value) const {
    for (value = successors_[value]; value != frontend::kNoValue; value = successors_[value]) {
      if (is_in_file(value)) return program_.values[value].name;
    }
    return "";
  }

  Scope scope_;
  const Program& program_;
  std::vector<ValueIndex> successors_;
  // By node; what they name and hold is the artifact's and the graph's.
  std::unordered_map<std::string_view, const Placement*> placements_;
  std::unordered_map<std::string_view, std::vector<std::string>> ops_;
};

// One of the program's flattened user inputs (outputs) that is a tensor of the file.
struct TensorPort {
  size_t index;
  ComplexPart part;
  std::string buffer;
};

TensorPort to_port(const Program& program, size_t index, ValueIndex value, std::string buffer) {
  return {index, is_complex(program, value) ? ComplexPart::kPair : ComplexPart::kNone,
          std::move(buffer)};
}

std::vector<TensorPort> tensor_inputs(const Program& program) {
  std::vector<TensorPort> ports;
  size_t position = 0;
  for (const frontend::Input& input : program.inputs) {
    if (input.kind != frontend::InputKind::kUser) continue;
    if (input.value != frontend::kNoValue)
      ports.push_back(to_port(program, position, input.value, input.buffer));
    ++position;
  }
  return ports;
}

std::vector<TensorPort> tensor_outputs(const Program& program) {
  std::vector<TensorPort> ports;
  size_t position = 0;
  for (const frontend::Output& output : program.outputs) {
    if (output.kind != frontend::OutputKind::kUser) continue;
    if (const ValueRef* ref = output.arg.as<ValueRef>())
      ports.push_back(to_port(program, position, ref->value, output.buffer));
    ++position;
  }
  return ports;
}

std::vector<PortReport> describe_ports(const std::vector<TensorPort>& ports,
                                       const std::vector<ArtifactPort>& in_file) {
  std::vector<PortReport> reports;
  for (size_t i = 0; i < in_file.size(); ++i)
    reports.push_back({ports[i].index, ports[i].part, in_file[i], ports[i].buffer});
  return reports;
}

}  // namespace

void describe_sizes(const SymbolTable& symbols, const frontend::Program& program,
                    ConvertReport& report) {
  for (const SymbolTable::Symbol& size : symbols.symbols()) {
    SizeReport told;
    told.name = told.symbol = size.name;
    told.min = size.range.min;
    told.hint = size.hint;
    if (size.range.max != INT64_MAX) told.max = size.range.max;
    for (const frontend::Program::SymbolRange& symbol : program.symbols)
      if (symbol.name == size.name) told.symbol = symbol.symbol;
    report.sizes.push_back(std::move(told));
  }
}

void describe_file(const Artifact& artifact, const Graph& graph, const Program& program,
                   ConvertReport& report) {
  report.inputs = describe_ports(tensor_inputs(program), artifact.inputs);
  report.outputs = describe_ports(tensor_outputs(program), artifact.outputs);
  report.nodes = NodeTracer(artifact, graph, {program, program.nodes}).trace();
  for (const EmittedOperator& op : artifact.operators) ++report.ops[op.op];
  report.tensors = artifact.tensors;
  report.weights = artifact.weights;
  report.runtime.name = artifact.runtime_name;
  report.runtime.oldest = artifact.runtime;
  report.runtime.operators = artifact.runtime_operators;
}

namespace {

// The program's bodies by their paths.
void find_bodies(const Program& program, const Argument& arg, const std::string& path,
                 std::map<std::string, const frontend::Subgraph*>& found) {
  if (const ArgumentList* list = arg.as<ArgumentList>()) {
    for (const Argument& item : *list) find_bodies(program, item, path, found);
  }
  const auto* ref = arg.as<frontend::GraphRef>();
  if (ref == nullptr) return;
  const frontend::Subgraph& body = program.subgraphs[ref->graph];
  const std::string name = frontend::inside(path, body.name);
  found.emplace(name, &body);
  for (const frontend::Node& node : body.nodes) {
    for (const frontend::NamedArgument& named : node.args)
      find_bodies(program, named.arg, name, found);
  }
}

class BodyDescriber {
 public:
  BodyDescriber(const Target& target, const Program& program, const std::string& folder,
                ConvertReport& report)
      : target_(target), program_(program), folder_(folder), report_(report) {
    for (const frontend::Node& node : program.nodes) {
      for (const frontend::NamedArgument& named : node.args)
        find_bodies(program, named.arg, "", bodies_);
    }
  }

  Status describe_all(const Graph& graph, const layout::LayoutPlan& plan) {
    for (const BodyId id : live_bodies(graph)) {
      FERRYMAN_TRY_STATUS(describe(graph.body(id), plan.bodies[id.index]->plan));
      FERRYMAN_TRY_STATUS(describe_all(graph.body(id), plan.bodies[id.index]->plan));
    }
    return {};
  }

 private:
  // Bodies that passes made, of recurrent layers, are no part of the program.
  Status describe(const Graph& body, const layout::LayoutPlan& plan) {
    const auto found = bodies_.find(body.name());
    if (found == bodies_.end()) return {};
    WriteRequest request{.graph = body, .plan = plan};
    if (!folder_.empty())
      request.path =
          fmt::format("{}/body_{}{}", folder_, report_.bodies.size() + 1, target_.suffix());
    FERRYMAN_TRY(const Artifact artifact, target_.write(request));
    BodyReport& described = report_.bodies.emplace_back();
    described.name = body.name();
    described.file = request.path;
    described.nodes =
        NodeTracer(artifact, body, {program_, found->second->nodes, body.name()}).trace();
    for (size_t i = 0; i < body.inputs().size(); ++i) {
      const std::string& name = body.value(body.inputs()[i]).name;
      described.inputs.push_back(describe_input(artifact.inputs[i], name, *found->second));
    }
    return {};
  }

  // Passes may have left some out. One that they added, of which only the size is read, comes after
  // the program's own.
  PortReport describe_input(const ArtifactPort& port, const std::string& name,
                            const frontend::Subgraph& of) const {
    const auto value = std::find_if(of.inputs.begin(), of.inputs.end(), [&](ValueIndex input) {
      return input != frontend::kNoValue && program_.values[input].name == name;
    });
    const bool is_own = value != of.inputs.end();
    PortReport report;
    report.index = static_cast<size_t>(value - of.inputs.begin());
    report.part = is_own && is_complex(program_, *value) ? ComplexPart::kPair : ComplexPart::kNone;
    report.port = port;
    report.port.name = name;
    return report;
  }

  const Target& target_;
  const Program& program_;
  const std::string& folder_;
  ConvertReport& report_;
  std::map<std::string, const frontend::Subgraph*> bodies_;
};

}  // namespace

Status describe_bodies(const Target& target, const Graph& graph, const layout::LayoutPlan& plan,
                       const frontend::Program& program, const std::string& folder,
                       ConvertReport& report) {
  return BodyDescriber(target, program, folder, report).describe_all(graph, plan);
}

void describe_layout(const layout::LayoutPlan& plan, ConvertReport& report) {
  report.layout.bytes_moved = plan.bytes_moved;
  report.layout.lower_bound = plan.lower_bound;
  report.layout.optimal = plan.proven;
}

namespace {

// By its own name, or by the node that it was made for: what passes made has no name.
std::string node_of(const Graph& graph, ValueId value) {
  const std::string& name = graph.value(value).name;
  const OpId producer = graph.producer(value);
  return name.empty() && producer.valid() ? graph.location(producer).node : name;
}

}  // namespace

void describe_copies(const Graph& graph, const std::vector<layout::CopyExplanation>& copies,
                     const layout::EndNames& names, ConvertReport& report) {
  for (const layout::CopyExplanation& copy : copies) {
    report.layout.transposes.push_back(
        {layout::describe(graph, copy, names), copy.copy.bytes, node_of(graph, copy.copy.value)});
  }
}

}  // namespace ferryman
