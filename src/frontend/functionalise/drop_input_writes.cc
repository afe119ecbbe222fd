#include "frontend/functionalise/drop_input_writes.h"

#include <algorithm>
#include <utility>

#include "frontend/functionalise/remove_dead_nodes.h"

namespace ferryman::frontend {

namespace {

// Programs that torch made functional tell the new value alone, so the place is that of its node.
std::vector<SourceLocation> places_of(const Output& write, const Program& program) {
  if (!write.written_at.empty()) return write.written_at;
  const ValueRef* value = write.arg.as<ValueRef>();
  for (const Node& node : program.nodes) {
    if (value == nullptr) break;
    if (std::find(node.results.begin(), node.results.end(), value->value) == node.results.end())
      continue;
    return {node.location};
  }
  return {};
}

Diag remark_on(const Output& write, const Program& program) {
  Diag remark =
      Diag::remark("input-write", "forward writes into its input '" + write.name + "'")
          .because("the outputs are as after the write; the caller's own tensor is not written")
          .hint("return the new value, too, if the caller reads it there");
  for (SourceLocation& place : places_of(write, program)) remark.at(std::move(place));
  return remark;
}

}  // namespace

Program drop_input_writes(Program program, Diagnostics& remarks) {
  const auto is_input_write = [](const Output& output) {
    return output.kind == OutputKind::kInputMutation;
  };
  if (std::none_of(program.outputs.begin(), program.outputs.end(), is_input_write)) return program;
  for (const Output& output : program.outputs) {
    if (is_input_write(output)) remarks.add(remark_on(output, program));
  }
  std::erase_if(program.outputs, is_input_write);
  return remove_dead_nodes(std::move(program));
}

}  // namespace ferryman::frontend
