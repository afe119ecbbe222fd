#include "frontend/functionalise/functionalise.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "frontend/functionalise/functionaliser.h"
#include "frontend/functionalise/remove_dead_nodes.h"
#include "frontend/functionalise/shared_storage.h"
#include "frontend/translate/node_args.h"

namespace ferryman::frontend {

namespace {

// Normalisations that update their running statistics although their schemas do not say so, and
// the argument that makes them do it.
struct StatisticsRow {
  std::string_view target;
  std::string_view flag;
};
constexpr std::array kStatistics = {
    StatisticsRow{"aten.batch_norm.default", "training"},
    StatisticsRow{"aten.native_batch_norm.default", "training"},
    StatisticsRow{"aten._native_batch_norm_legit.default", "training"},
    StatisticsRow{"aten.cudnn_batch_norm.default", "training"},
    StatisticsRow{"aten.miopen_batch_norm.default", "training"},
    StatisticsRow{"aten.instance_norm.default", "use_input_stats"},
};

// Without momentum the running statistics stay what they are.
bool has_no_momentum(const Node& node) {
  return std::any_of(node.args.begin(), node.args.end(), [](const NamedArgument& argument) {
    const double* momentum = argument.arg.as<double>();
    return argument.name == "momentum" && momentum != nullptr && *momentum == 0;
  });
}

bool updates_statistics(const Node& node) {
  return value_arg(node, "running_mean") != kNoValue && !has_no_momentum(node) &&
         std::any_of(kStatistics.begin(), kStatistics.end(), [&](const StatisticsRow& row) {
           return row.target == node.target && is_true_arg(node, row.flag);
         });
}

// Regions that only switch gradients, or autocasting off, compute what their bodies compute. The
// graph's position among the arguments; nullopt if the node is no such region.
std::optional<size_t> find_inlined_graph(const Node& node) {
  const auto argument = [&](size_t i) {
    return i < node.args.size() ? &node.args[i].arg : nullptr;
  };
  const auto is_graph = [&](size_t i) {
    return argument(i) != nullptr && argument(i)->as<GraphRef>() != nullptr;
  };
  if (node.target == "higher_order.wrap_with_set_grad_enabled" && is_graph(1)) return 1;
  if (node.target == "higher_order.wrap_with_autocast" && is_graph(4)) {
    const std::string* device = argument(0)->as<std::string>();
    const bool* enabled = argument(2)->as<bool>();
    const bool does_nothing =
        (enabled != nullptr && !*enabled) || (device != nullptr && *device != "cpu");
    if (does_nothing) return 4;
  }
  return std::nullopt;
}

OutputKind mutation_kind(InputKind kind) {
  switch (kind) {
    case InputKind::kUser:
      return OutputKind::kInputMutation;
    case InputKind::kParameter:
      return OutputKind::kParameterMutation;
    case InputKind::kBuffer:
    case InputKind::kConstant:
    case InputKind::kToken:
    case InputKind::kCustomObject:
      break;
  }
  return OutputKind::kBufferMutation;
}

}  // namespace

// Operands and results share memory with the values inside, as if the region were not there.
Status Functionaliser::visit_inline(const Node& node, const Subgraph& body,
                                    std::span<const NamedArgument> operands) {
  if (operands.size() != body.inputs.size() || body.outputs.size() != node.results.size()) {
    return malformed(node, "has operands or results that do not fit its body");
  }
  const auto same_value = [&](ValueIndex inner, ValueIndex outer) {
    alias_of_[inner] = alias_of_[outer];
    number_of_[inner] = number_of_[outer];
  };
  for (size_t i = 0; i < operands.size(); ++i) {
    const ValueRef* operand = operands[i].arg.as<ValueRef>();
    if (operand == nullptr) return malformed(node, "has an operand that is no value");
    same_value(body.inputs[i], operand->value);
  }
  visit_all(body.nodes);
  for (size_t i = 0; i < node.results.size(); ++i) {
    const ValueRef* output = body.outputs[i].as<ValueRef>();
    if (node.results[i] == kNoValue) continue;
    if (output == nullptr) return malformed(node, "has a result that is no value");
    same_value(node.results[i], output->value);
  }
  return {};
}

void Functionaliser::visit_all(const std::vector<Node>& nodes) {
  for (const Node& node : nodes) {
    const Status status = visit(node);
    if (status.ok()) continue;
    diagnostics_.add(status.diag());
    define_unknown(node);
  }
}

Status Functionaliser::visit(const Node& node) {
  if (const std::optional<size_t> graph = find_inlined_graph(node)) {
    const uint32_t index = node.args[*graph].arg.as<GraphRef>()->graph;
    return visit_inline(node, old_.subgraphs[index], std::span(node.args).subspan(*graph + 1));
  }
  if (updates_statistics(node)) {
    if (node.target == "aten.batch_norm.default") return visit_batch_norm(node);
    return Diag::error(DiagCode::kUnsupportedState, node.target + " updates its running statistics")
        .at(node.location)
        .because("the module is in training mode")
        .hint("call model.eval() before the export")
        .about(node.target);
  }
  if (const std::optional<std::string> twin = twin_of_in_place_view(node.target)) {
    Node view = node;
    view.target = *twin;
    return visit_computation(view);
  }
  if (const std::optional<WriteOp> write = find_write(node)) return visit_write(node, *write);
  return visit_computation(node);
}

// --- the program ---------------------------------------------------------------------------------

// Names are unique in each graph, and those that the user sees there; what a region gives to the
// graph around it gives way.
void Functionaliser::name_values(const std::vector<ValueIndex>& inputs,
                                 const std::vector<Node>& nodes) {
  const auto name = [&](ValueIndex value) {
    if (value != kNoValue) old_.values[value].name = writer_.fresh_name(old_.values[value].name);
  };
  for (const ValueIndex input : inputs) name(input);
  for (const Node& node : nodes) {
    for (const ValueIndex result : node.results) name(result);
  }
  for (const Node& node : nodes) {
    const std::optional<size_t> graph = find_inlined_graph(node);
    if (!graph.has_value()) continue;
    const Subgraph& region = old_.subgraphs[node.args[*graph].arg.as<GraphRef>()->graph];
    name_values(region.inputs, region.nodes);
  }
}

void Functionaliser::add_inputs() {
  std::vector<ValueIndex> values;
  for (const Input& input : old_.inputs) values.push_back(input.value);
  name_values(values, old_.nodes);
  for (const Input& input : old_.inputs) {
    Input copy = input;
    copy.value = copy_value(input.value);
    define_root(input.value, copy.value);
    new_.inputs.push_back(std::move(copy));
  }
  for (const SharedStorage& shared : find_shared_storage(old_)) {
    const Input& first = old_.inputs[shared.first];
    const Input& second = old_.inputs[shared.second];
    if (shared.same_tensor) {
      View view{.meta = *old_.values[second.value].tensor,
                .redo = std::nullopt,
                .undo = Undo::kSame,
                .undo_call = {},
                .why_not = {}};
      alias_of_[second.value] =
          aliases_.add_view(alias_of_[first.value], std::move(view), second.name,
                            new_.inputs[shared.second].value, {});
      continue;
    }
    const std::string why_not =
        "'" + first.name + "' and '" + second.name + "' share memory, each with its own shape";
    aliases_.forbid_writes(alias_of_[first.value], why_not);
    aliases_.forbid_writes(alias_of_[second.value], why_not);
  }
}
void Functionaliser::add_outputs() {
  const Node at_end{"the program's output", "output", {}, {}, {}};
  std::vector<Output> results;
  const auto add = [&](std::vector<Output>& list, const Output& output) {
    Result<Argument> argument = map(output.arg, at_end);
    if (!argument.ok()) return diagnostics_.add(argument.diag());
    list.push_back({output.kind, std::move(*argument), output.name, output.written_at});
  };
  for (const Output& output : old_.outputs) {
    add(output.kind == OutputKind::kUser ? results : new_.outputs, output);
  }
  for (const Input& input : old_.inputs) {
    const AliasId alias = input.value == kNoValue ? kNoAlias : alias_of_[input.value];
    if (alias == kNoAlias || !aliases_.was_written(alias)) continue;
    const Argument contents{ValueRef{input.value}};
    add(new_.outputs,
        {mutation_kind(input.kind), contents, input.name, aliases_.written_at(alias)});
  }
  for (Output& result : results) new_.outputs.push_back(std::move(result));
}

std::optional<Program> Functionaliser::run() {
  const size_t errors_before = diagnostics_.num_errors();
  new_.values.reserve(old_.values.size());
  new_.nodes.reserve(old_.nodes.size());
  aliases_.reserve(old_.values.size());
  add_inputs();
  visit_all(old_.nodes);
  add_outputs();
  if (diagnostics_.num_errors() > errors_before) return std::nullopt;
  // What is not the graph stays, whatever it is.
  old_.values = std::move(new_.values);
  old_.inputs = std::move(new_.inputs);
  old_.nodes = std::move(new_.nodes);
  old_.outputs = std::move(new_.outputs);
  old_.subgraphs = std::move(new_.subgraphs);
  return remove_dead_nodes(std::move(old_));
}

std::optional<Program> functionalise(Program program, Diagnostics& diagnostics) {
  return Functionaliser(std::move(program), diagnostics).run();
}

Result<Program> functionalise(Program program) {
  Diagnostics diagnostics;
  std::optional<Program> functional = functionalise(std::move(program), diagnostics);
  if (functional) return std::move(*functional);
  for (const Diag& diag : diagnostics.all()) {
    if (diag.severity == Severity::kError) return diag;
  }
  return Diag::error(DiagCode::kInternal, "functionalise failed without a reason");
}

}  // namespace ferryman::frontend
