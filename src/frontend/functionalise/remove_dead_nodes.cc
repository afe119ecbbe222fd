#include "frontend/functionalise/remove_dead_nodes.h"

#include <algorithm>
#include <utility>

namespace ferryman::frontend {

namespace {

class DeadNodeRemover {
 public:
  explicit DeadNodeRemover(Program program)
      : program_(std::move(program)),
        old_values_(std::exchange(program_.values, {})),
        old_graphs_(std::exchange(program_.subgraphs, {})),
        needed_(old_values_.size(), false),
        renumbered_(old_values_.size(), kNoValue) {}

  Program run() {
    program_.values.reserve(old_values_.size());
    for (Input& input : program_.inputs) define(input.value);
    for (const Output& output : program_.outputs) need(output.arg);
    keep_live(program_.nodes);
    for (Output& output : program_.outputs) rewrite(output.arg);
    return std::move(program_);
  }

 private:
  // A subgraph sees its own values only, so an argument needs none but those that it names.
  void need(const Argument& argument) {
    if (const ValueRef* ref = argument.as<ValueRef>()) needed_[ref->value] = true;
    const ArgumentList* list = argument.as<ArgumentList>();
    if (list == nullptr) return;
    for (const Argument& element : *list) need(element);
  }

  void keep_live(std::vector<Node>& nodes) {
    std::vector<Node> live;  // from the last to the first
    live.reserve(nodes.size());
    for (; !nodes.empty(); nodes.pop_back()) {
      Node& node = nodes.back();
      const bool is_live =
          std::any_of(node.results.begin(), node.results.end(),
                      [&](ValueIndex result) { return result != kNoValue && needed_[result]; });
      if (!is_live) continue;
      for (const NamedArgument& argument : node.args) need(argument.arg);
      live.push_back(std::move(node));
    }
    nodes.assign(std::make_move_iterator(live.rbegin()), std::make_move_iterator(live.rend()));
    for (Node& node : nodes) {
      for (NamedArgument& argument : node.args) rewrite(argument.arg);
      for (ValueIndex& result : node.results) define(result);
    }
  }

  void define(ValueIndex& value) {
    if (value == kNoValue) return;
    renumbered_[value] = static_cast<ValueIndex>(program_.values.size());
    program_.values.push_back(std::move(old_values_[value]));
    value = renumbered_[value];
  }

  void rewrite(Argument& argument) {
    if (auto* ref = std::get_if<ValueRef>(&argument.value)) ref->value = renumbered_[ref->value];
    if (auto* graph = std::get_if<GraphRef>(&argument.value)) graph->graph = move_graph(*graph);
    if (auto* list = std::get_if<ArgumentList>(&argument.value)) {
      for (Argument& element : *list) rewrite(element);
    }
  }

  uint32_t move_graph(GraphRef ref) {
    Subgraph graph = std::move(old_graphs_[ref.graph]);
    for (ValueIndex& input : graph.inputs) define(input);
    for (const Argument& output : graph.outputs) need(output);
    keep_live(graph.nodes);
    for (Argument& output : graph.outputs) rewrite(output);
    program_.subgraphs.push_back(std::move(graph));
    return static_cast<uint32_t>(program_.subgraphs.size() - 1);
  }

  Program program_;
  std::vector<Value> old_values_;
  std::vector<Subgraph> old_graphs_;
  std::vector<bool> needed_;
  std::vector<ValueIndex> renumbered_;
};

}  // namespace

Program remove_dead_nodes(Program program) {
  return DeadNodeRemover(std::move(program)).run();
}

}  // namespace ferryman::frontend
