#include "driver/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <unordered_map>
#include <utility>

#include "target/tflite/polish.h"
#include "target/tflite/runtime_version.h"
#include "target/tflite/write.h"

namespace ferryman {

namespace {

using frontend::Argument;
using frontend::ArgumentList;
using frontend::Program;
using frontend::ValueIndex;
using frontend::ValueRef;

Placement to_placement(const tflite::MemoryTable::Placement& placement, ComplexPart part) {
  return {placement.tensor, part, placement.factors, placement.perm};
}

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
  for (const frontend::Node& node : scope.nodes) {
    if (node.results.empty()) continue;
    std::vector<ValueIndex> read;
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
  NodeTracer(const tflite::Lowered& lowered, const Graph& graph, Scope scope)
      : scope_(std::move(scope)), program_(scope_.program), successors_(first_successors(scope_)) {
    for (const tflite::NamedPlacement& node : lowered.placements.nodes) {
      placements_.emplace(node.node, to_placement(node.placement, ComplexPart::kNone));
    }
    for (const tflite::Subgraph& subgraph : lowered.model.subgraphs) {
      for (const tflite::Operator& op : subgraph.operators) {
        if (op.location < 0) continue;
        const SourceLocation& place = graph.location(LocationId(static_cast<size_t>(op.location)));
        ops_[place.node].push_back(std::string(tflite::to_string(op.op)));
      }
    }
  }

  std::vector<NodeReport> trace() const {
    std::vector<NodeReport> nodes;
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
      report.placement = found->second;
    }
    if (!is_in_file(value)) report.fused_into = survivor(value);
    return report;
  }

  // The names that translating gave them.
  std::vector<Placement> parts_of(const std::string& name) const {
    std::vector<Placement> parts;
    const auto add = [&](const std::string& part_name, ComplexPart part) {
      const auto found = placements_.find(part_name);
      if (found == placements_.end()) return;
      parts.push_back(found->second);
      parts.back().part = part;
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
  std::unordered_map<std::string, Placement> placements_;
  std::unordered_map<std::string, std::vector<std::string>> ops_;
};

// One of the program's flattened user inputs (outputs) that is a tensor of the file.
struct TensorPort {
  size_t index;
  ComplexPart part;
};

TensorPort to_port(const Program& program, size_t index, ValueIndex value) {
  return {index, is_complex(program, value) ? ComplexPart::kPair : ComplexPart::kNone};
}

std::vector<TensorPort> tensor_inputs(const Program& program) {
  std::vector<TensorPort> ports;
  size_t position = 0;
  for (const frontend::Input& input : program.inputs) {
    if (input.kind != frontend::InputKind::kUser) continue;
    if (input.value != frontend::kNoValue) ports.push_back(to_port(program, position, input.value));
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
      ports.push_back(to_port(program, position, ref->value));
    ++position;
  }
  return ports;
}

// "float32", as numpy calls it.
std::string dtype_name(tflite::TensorType type) {
  std::string name(tflite::to_string(type));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return name;
}

std::vector<PortReport> describe_ports(const std::vector<TensorPort>& ports,
                                       const std::vector<tflite::NamedTensor>& names,
                                       const std::vector<tflite::MemoryTable::Placement>& places,
                                       const std::vector<tflite::Tensor>& tensors) {
  std::vector<PortReport> reports;
  for (size_t i = 0; i < names.size(); ++i) {
    const tflite::Tensor& tensor = tensors[static_cast<size_t>(names[i].tensor)];
    reports.push_back({ports[i].index, names[i].name, to_placement(places[i], ports[i].part),
                       tensor.shape, dtype_name(tensor.type.code)});
  }
  return reports;
}

}  // namespace

void describe_file(const tflite::Lowered& lowered, const Graph& graph, const Program& program,
                   ConvertReport& report) {
  const tflite::Signature& signature = lowered.model.signatures.front();
  const std::vector<tflite::Tensor>& tensors = lowered.model.subgraphs.front().tensors;
  report.inputs =
      describe_ports(tensor_inputs(program), signature.inputs, lowered.placements.inputs, tensors);
  report.outputs = describe_ports(tensor_outputs(program), signature.outputs,
                                  lowered.placements.outputs, tensors);
  report.nodes = NodeTracer(lowered, graph, {program, program.nodes}).trace();
  for (const tflite::Subgraph& subgraph : lowered.model.subgraphs) {
    for (const tflite::Operator& op : subgraph.operators)
      ++report.ops[std::string(tflite::to_string(op.op))];
  }
  tflite::RuntimeNeed need = tflite::runtime_need(lowered.model);
  report.runtime = to_string(need.release);
  report.runtime_operators = std::move(need.operators);
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
  BodyDescriber(const Program& program, const std::string& folder, ConvertReport& report)
      : program_(program), folder_(folder), report_(report) {
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
    tflite::Lowered lowered = tflite::lower_to_tflite(body, plan);
    tflite::fuse_activations(lowered);
    BodyReport& described = report_.bodies.emplace_back();
    described.name = body.name();
    described.nodes =
        NodeTracer(lowered, body, {program_, found->second->nodes, body.name()}).trace();
    for (size_t i = 0; i < body.inputs().size(); ++i)
      described.inputs.push_back(describe_input(lowered, body, *found->second, i));
    if (folder_.empty()) return {};
    described.file = fmt::format("{}/body_{}.tflite", folder_, report_.bodies.size());
    return tflite::write_tflite(lowered.model, described.file);
  }

  // Passes may have left some out.
  PortReport describe_input(const tflite::Lowered& lowered, const Graph& body,
                            const frontend::Subgraph& of, size_t i) const {
    const std::string& name = body.value(body.inputs()[i]).name;
    const auto value = std::find_if(of.inputs.begin(), of.inputs.end(), [&](ValueIndex input) {
      return input != frontend::kNoValue && program_.values[input].name == name;
    });
    check(value != of.inputs.end(), "an input of a body that the program does not have");
    const ComplexPart part = is_complex(program_, *value) ? ComplexPart::kPair : ComplexPart::kNone;
    const tflite::Subgraph& main = lowered.model.subgraphs.front();
    const tflite::Tensor& tensor = main.tensor(main.inputs[i]);
    return {static_cast<size_t>(value - of.inputs.begin()), name,
            to_placement(lowered.placements.inputs[i], part), tensor.shape,
            dtype_name(tensor.type.code)};
  }

  const Program& program_;
  const std::string& folder_;
  ConvertReport& report_;
  std::map<std::string, const frontend::Subgraph*> bodies_;
};

}  // namespace

Status describe_bodies(const Graph& graph, const layout::LayoutPlan& plan,
                       const frontend::Program& program, const std::string& folder,
                       ConvertReport& report) {
  return BodyDescriber(program, folder, report).describe_all(graph, plan);
}

void describe_layout(const Graph& graph, const layout::LayoutPlan& plan,
                     const std::vector<layout::CopyExplanation>& copies, ConvertReport& report) {
  report.bytes_moved = plan.bytes_moved;
  report.lower_bound = plan.lower_bound;
  report.optimal = plan.proven;
  describe_copies(graph, copies, report);
}

void describe_copies(const Graph& graph, const std::vector<layout::CopyExplanation>& copies,
                     ConvertReport& report) {
  for (const layout::CopyExplanation& copy : copies) {
    report.transposes.push_back(
        {layout::describe(graph, copy), copy.copy.bytes, graph.value(copy.copy.value).name});
  }
}

}  // namespace ferryman
