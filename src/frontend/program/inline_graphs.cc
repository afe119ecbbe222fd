#include "frontend/program/inline_graphs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <unordered_set>

namespace ferryman::frontend {

namespace {

// A call of a body that can be inlined.
struct TrivialCall {
  uint32_t graph = 0;
  std::vector<Argument> operands;
};

// Lists as operands or outputs would be copied to each use, and could double with each level.
bool is_plain(const Argument& arg) {
  return arg.as<ArgumentList>() == nullptr && arg.as<GraphRef>() == nullptr;
}

bool fits(const Program& program, const TrivialCall& call, const Node& node) {
  const Subgraph& graph = program.subgraphs[call.graph];
  return graph.inputs.size() == call.operands.size() &&
         graph.outputs.size() == node.results.size() &&
         std::all_of(graph.outputs.begin(), graph.outputs.end(), is_plain) &&
         std::all_of(call.operands.begin(), call.operands.end(), is_plain);
}

std::optional<TrivialCall> match_trivial_call(const Program& program, const Node& node) {
  size_t graph_position = 0;
  if (node.target == "higher_order.wrap_with_set_grad_enabled") {
    graph_position = 1;  // enabled, graph, operands...
  } else if (node.target == "higher_order.wrap_with_autocast") {
    graph_position = 4;  // device type, dtype, enabled, cache enabled, graph, operands...
  }
  if (graph_position == 0 || node.args.size() <= graph_position) return std::nullopt;
  if (graph_position == 4) {
    const bool* is_enabled = node.args[2].arg.as<bool>();
    if (is_enabled == nullptr || *is_enabled) return std::nullopt;
  }
  const auto* ref = node.args[graph_position].arg.as<GraphRef>();
  if (ref == nullptr) return std::nullopt;
  TrivialCall call = {ref->graph, {}};
  for (const NamedArgument& operand : std::span(node.args).subspan(graph_position + 1))
    call.operands.push_back(operand.arg);
  if (!fits(program, call, node)) return std::nullopt;
  return call;
}

class Inliner {
 public:
  explicit Inliner(Program program)
      : program_(std::move(program)),
        replacements_(program_.values.size()),
        is_inlined_(program_.values.size()) {}

  Program run() {
    program_.nodes = rewrite_nodes(std::move(program_.nodes));
    for (Output& output : program_.outputs) output.arg = rewrite(output.arg);
    if (num_inlined_ > 0) compact();
    return std::move(program_);
  }

 private:
  std::vector<Node> rewrite_nodes(std::vector<Node> nodes) {
    std::vector<Node> rewritten;
    for (Node& node : nodes) rewrite_node(std::move(node), rewritten);
    return rewritten;
  }

  void rewrite_node(Node node, std::vector<Node>& nodes) {
    if (const auto call = match_trivial_call(program_, node)) {
      return inline_call(*call, node, nodes);
    }
    for (NamedArgument& named : node.args) named.arg = rewrite(named.arg);
    nodes.push_back(std::move(node));
  }

  void inline_call(const TrivialCall& call, const Node& node, std::vector<Node>& nodes) {
    std::vector<Argument> outputs = inline_body(call, node, nodes);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (node.results[i] != kNoValue) replacements_[node.results[i]] = std::move(outputs[i]);
    }
  }

  // Appends the body's nodes; what its outputs are in the graph around it.
  std::vector<Argument> inline_body(const TrivialCall& call, const Node& node,
                                    std::vector<Node>& nodes) {
    const Subgraph body = std::move(program_.subgraphs[call.graph]);
    for (size_t i = 0; i < body.inputs.size(); ++i) {
      replacements_[body.inputs[i]] = rewrite(call.operands[i]);
    }
    for (Node inner : body.nodes) {
      // Nodes of bodies carry no module of their own.
      if (inner.location.module_path.empty() && inner.location.file.empty()) {
        inner.location = node.location;
        inner.location.node = inner.name;
      }
      for (const ValueIndex result : inner.results) {
        if (result != kNoValue) is_inlined_[result] = true;
      }
      rewrite_node(std::move(inner), nodes);
    }
    std::vector<Argument> outputs;
    for (const Argument& output : body.outputs) outputs.push_back(rewrite(output));
    ++num_inlined_;
    return outputs;
  }

  Argument rewrite(const Argument& arg) {
    if (const auto* ref = arg.as<ValueRef>()) {
      const std::optional<Argument>& replacement = replacements_[ref->value];
      return replacement ? *replacement : arg;
    }
    if (const auto* ref = arg.as<GraphRef>()) {
      // By index: the list may not grow, but the body's nodes are replaced meanwhile.
      const uint32_t graph = ref->graph;
      program_.subgraphs[graph].nodes = rewrite_nodes(std::move(program_.subgraphs[graph].nodes));
      for (Argument& output : program_.subgraphs[graph].outputs) output = rewrite(output);
      return arg;
    }
    const auto* list = arg.as<ArgumentList>();
    if (list == nullptr) return arg;
    ArgumentList items;
    for (const Argument& item : *list) items.push_back(rewrite(item));
    return {std::move(items)};
  }

  // Drops the values and bodies that nothing defines or uses any more, and renumbers the others.
  void compact() {
    for (const Input& input : program_.inputs) keep(input.value);
    for (const Node& node : program_.nodes) keep_node(node);
    std::vector<Value> values;
    std::vector<ValueIndex> numbers(program_.values.size(), kNoValue);
    std::vector<bool> is_kept(program_.values.size(), false);
    for (const ValueIndex value : kept_values_) is_kept[value] = true;
    for (size_t i = 0; i < is_kept.size(); ++i) {
      if (!is_kept[i]) continue;
      numbers[i] = static_cast<ValueIndex>(values.size());
      is_inlined_[values.size()] = is_inlined_[i];
      values.push_back(std::move(program_.values[i]));
    }
    program_.values = std::move(values);
    std::vector<Subgraph> graphs;
    for (const uint32_t graph : kept_graphs_) {
      graph_numbers_.resize(std::max<size_t>(graph_numbers_.size(), graph + 1));
      graph_numbers_[graph] = static_cast<uint32_t>(graphs.size());
      graphs.push_back(std::move(program_.subgraphs[graph]));
    }
    program_.subgraphs = std::move(graphs);
    renumber(numbers);
    make_names_unique();
  }

  void keep(ValueIndex value) {
    if (value != kNoValue) kept_values_.push_back(value);
  }
  void keep_node(const Node& node) {
    for (const NamedArgument& named : node.args) keep_graphs(named.arg);
    for (const ValueIndex result : node.results) keep(result);
  }
  void keep_graphs(const Argument& arg) {
    if (const auto* list = arg.as<ArgumentList>()) {
      for (const Argument& item : *list) keep_graphs(item);
    }
    const auto* ref = arg.as<GraphRef>();
    if (ref == nullptr) return;
    const Subgraph& graph = program_.subgraphs[ref->graph];
    for (const ValueIndex input : graph.inputs) keep(input);
    for (const Node& node : graph.nodes) keep_node(node);
    kept_graphs_.push_back(ref->graph);
  }

  void renumber(const std::vector<ValueIndex>& numbers) {
    const auto renumber_value = [&](ValueIndex& value) {
      if (value != kNoValue) value = numbers[value];
    };
    const auto renumber_nodes = [&](std::vector<Node>& nodes) {
      for (Node& node : nodes) {
        for (NamedArgument& named : node.args) renumber_argument(named.arg, numbers);
        for (ValueIndex& result : node.results) renumber_value(result);
      }
    };
    for (Input& input : program_.inputs) renumber_value(input.value);
    renumber_nodes(program_.nodes);
    for (Output& output : program_.outputs) renumber_argument(output.arg, numbers);
    for (Subgraph& graph : program_.subgraphs) {
      for (ValueIndex& input : graph.inputs) renumber_value(input);
      renumber_nodes(graph.nodes);
      for (Argument& output : graph.outputs) renumber_argument(output, numbers);
    }
  }

  void renumber_argument(Argument& arg, const std::vector<ValueIndex>& numbers) {
    if (auto* ref = std::get_if<ValueRef>(&arg.value)) ref->value = numbers[ref->value];
    if (auto* ref = std::get_if<GraphRef>(&arg.value)) ref->graph = graph_numbers_[ref->graph];
    if (auto* list = std::get_if<ArgumentList>(&arg.value)) {
      for (Argument& item : *list) renumber_argument(item, numbers);
    }
  }

  // Bodies have names of their own, so that an inlined `mul` may meet another one.
  void make_names_unique() {
    std::vector<ValueIndex> inputs;
    for (const Input& input : program_.inputs) inputs.push_back(input.value);
    make_names_unique(inputs, program_.nodes);
    for (const Subgraph& graph : program_.subgraphs) make_names_unique(graph.inputs, graph.nodes);
  }

  // Names of the graph that stays are the user's: those of bodies give way.
  void make_names_unique(const std::vector<ValueIndex>& inputs, const std::vector<Node>& nodes) {
    std::vector<ValueIndex> values = inputs;
    for (const Node& node : nodes)
      values.insert(values.end(), node.results.begin(), node.results.end());
    std::erase(values, kNoValue);
    std::stable_partition(values.begin(), values.end(),
                          [&](ValueIndex value) { return !is_inlined_[value]; });
    std::unordered_set<std::string> names;
    for (const ValueIndex value : values) {
      std::string& name = program_.values[value].name;
      const std::string stem = name;
      for (int number = 1; !names.insert(name).second; ++number) {
        name = fmt::format("{}_inlined_{}", stem, number);
      }
    }
  }

  Program program_;
  std::vector<std::optional<Argument>> replacements_;  // by value
  std::vector<bool> is_inlined_;                       // by value: of a body that is gone
  int num_inlined_ = 0;
  std::vector<ValueIndex> kept_values_;
  std::vector<uint32_t> kept_graphs_, graph_numbers_;
};

}  // namespace

Program inline_trivial_graphs(Program program) {
  return Inliner(std::move(program)).run();
}

}  // namespace ferryman::frontend
