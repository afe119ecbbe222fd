#include "frontend/functionalise/liveness.h"

#include <algorithm>

namespace ferryman::frontend {

namespace {

class LivenessFinder {
 public:
  explicit LivenessFinder(const Program& program) : program_(program) {
    live_.values.assign(program.values.size(), false);
  }

  Liveness find() {
    for (const Output& output : program_.outputs) {
      if (output.kind != OutputKind::kToken) mark(output.arg);
    }
    mark_nodes(program_.nodes);
    return std::move(live_);
  }

 private:
  void mark(const Argument& arg) {
    if (const auto* ref = arg.as<ValueRef>()) {
      if (ref->value < live_.values.size()) live_.values[ref->value] = true;
    }
    if (const auto* list = arg.as<ArgumentList>()) {
      for (const Argument& item : *list) mark(item);
    }
    // All that a body gives, since its node has it as one.
    if (const auto* graph = arg.as<GraphRef>()) {
      const Subgraph& body = program_.subgraphs[graph->graph];
      for (const Argument& output : body.outputs) mark(output);
      mark_nodes(body.nodes);
    }
  }

  void mark_nodes(const std::vector<Node>& nodes) {
    for (size_t i = nodes.size(); i-- > 0;) {
      const bool is_live = std::any_of(
          nodes[i].results.begin(), nodes[i].results.end(),
          [&](ValueIndex result) { return result != kNoValue && live_.values[result]; });
      if (!is_live) continue;
      for (const NamedArgument& named : nodes[i].args) mark(named.arg);
    }
  }

  const Program& program_;
  Liveness live_;
};

}  // namespace

Liveness find_live(const Program& program) {
  return LivenessFinder(program).find();
}

}  // namespace ferryman::frontend
