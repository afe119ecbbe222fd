#include "frontend/program/finish_program.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/program/asserted_orders.h"
#include "frontend/program/inline_graphs.h"

namespace ferryman::frontend {

namespace {

// A node that should have results but has none raised an exception in the user's model, which
// caught it (try: x @ x ...). Nothing can use it.
void drop_nodes_without_results(std::vector<Node>& nodes) {
  std::erase_if(nodes, [](const Node& node) {
    return !node.results.empty() && std::all_of(node.results.begin(), node.results.end(),
                                                [](ValueIndex value) { return value == kNoValue; });
  });
}

Status name_outputs(Program& program, const NamedTupleFields& fields) {
  if (program.output_tree.empty()) return {};
  FERRYMAN_TRY(const std::vector<std::string> names, name_leaves(program.output_tree, fields));
  size_t next = 0;
  for (Output& output : program.outputs) {
    if (output.kind != OutputKind::kUser) continue;
    if (next < names.size()) output.name = names[next];
    ++next;
  }
  if (next == names.size()) return {};
  return Diag::error(DiagCode::kMalformedProgram,
                     fmt::format("the program has {} outputs but its result's tree has {} leaves",
                                 next, names.size()));
}

}  // namespace

Result<Program> finish_program(Program program, const NamedTupleFields& fields) {
  drop_nodes_without_results(program.nodes);
  for (Subgraph& graph : program.subgraphs) drop_nodes_without_results(graph.nodes);
  FERRYMAN_TRY_STATUS(name_outputs(program, fields));
  FERRYMAN_TRY_STATUS(verify_program(program));
  program.orders = asserted_orders(program);
  return inline_trivial_graphs(std::move(program));
}

std::string print_number(double number) {
  return fmt::format("{}", number);
}

EnumArg make_complex(double real, double imaginary) {
  return {"complex", fmt::format("({}, {})", real, imaginary)};
}

}  // namespace ferryman::frontend
