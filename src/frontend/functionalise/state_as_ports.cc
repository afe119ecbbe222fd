#include "frontend/functionalise/state_as_ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ferryman::frontend {

namespace {

// The buffer's own, unless forward takes an input of that name.
std::string free_name(const Program& program, const std::string& buffer) {
  const auto is_taken = [&](const std::string& name) {
    return std::ranges::any_of(program.inputs, [&](const Input& input) {
      return input.kind == InputKind::kUser && input.name == name;
    });
  };
  std::string name = buffer;
  for (int copy = 1; is_taken(name); ++copy) name = fmt::format("{}_{}", buffer, copy);
  return name;
}

void remark_on(const std::vector<Output>& writes, Diagnostics& remarks) {
  std::string names;
  for (const Output& write : writes) names += (names.empty() ? "'" : ", '") + write.name + "'";
  Diag remark =
      Diag::remark("explicit-state", fmt::format("the model writes to its buffers: {}", names))
          .because("each is an input and an output, since the file holds no state")
          .hint("pass what came out in again at the next call");
  for (const Output& write : writes) {
    for (const SourceLocation& place : write.written_at) remark.at(place);
  }
  remarks.add(std::move(remark));
}

}  // namespace

Program state_as_ports(Program program, Diagnostics& remarks) {
  std::vector<Output> writes;
  std::erase_if(program.outputs, [&](Output& output) {
    if (output.kind != OutputKind::kBufferMutation) return false;
    writes.push_back(output);
    return true;
  });
  if (writes.empty()) return program;
  remark_on(writes, remarks);
  for (Output& write : writes) {
    const auto found = std::ranges::find_if(program.inputs, [&](const Input& input) {
      return input.kind != InputKind::kUser && input.name == write.name;
    });
    if (found == program.inputs.end()) {  // translating says that it is unknown
      program.outputs.insert(program.outputs.begin(), std::move(write));
      continue;
    }
    Input input = std::move(*found);
    program.inputs.erase(found);
    input.kind = InputKind::kUser;
    input.data.reset();
    input.buffer = input.name;
    input.name = free_name(program, input.name);
    program.inputs.push_back(std::move(input));
    write.kind = OutputKind::kUser;
    write.buffer = write.name;
    program.outputs.push_back(std::move(write));
  }
  return program;
}

}  // namespace ferryman::frontend
