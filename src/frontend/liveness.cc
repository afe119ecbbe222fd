#include "frontend/liveness.h"

#include <algorithm>

namespace ferryman::frontend {

namespace {

void mark_values(const Argument& arg, std::vector<bool>& live) {
  if (const auto* ref = arg.as<ValueRef>()) {
    if (ref->value < live.size()) live[ref->value] = true;
  }
  if (const auto* list = arg.as<ArgumentList>()) {
    for (const Argument& item : *list) mark_values(item, live);
  }
}

}  // namespace

Liveness find_live(const Program& program) {
  Liveness live;
  live.values.assign(program.values.size(), false);
  live.nodes.assign(program.nodes.size(), false);
  for (const Output& output : program.outputs) {
    if (output.kind != OutputKind::kToken) mark_values(output.arg, live.values);
  }
  for (size_t i = program.nodes.size(); i-- > 0;) {
    const Node& node = program.nodes[i];
    live.nodes[i] = std::any_of(node.results.begin(), node.results.end(), [&](ValueIndex result) {
      return result != kNoValue && live.values[result];
    });
    if (!live.nodes[i]) continue;
    for (const NamedArgument& named : node.args) mark_values(named.arg, live.values);
  }
  return live;
}

}  // namespace ferryman::frontend
