// What is left without a form on the target, all at once. Runs after the rules, so that everything
// here is final.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "targets/tflite/legalise/legalise.h"
#include "targets/tflite/lower/limits.h"

namespace ferryman::tflite {

namespace {

// Kernels divide by the number of elements, or ask the delegate for a tensor of none.
std::optional<Limit> emptiness_limit(const Graph& graph, const ferryman::Op& op) {
  const auto is_empty = [&](ValueId value) {
    return value.valid() && num_elements(graph.type(value).dims) == 0;
  };
  const bool touches_empty = std::any_of(op.operands.begin(), op.operands.end(), is_empty) ||
                             std::any_of(op.results.begin(), op.results.end(), is_empty);
  if (!touches_empty) return std::nullopt;
  return Limit{fmt::format("'{}' of a tensor without elements", op.def->name),
               "the runtime fails on empty tensors", "leave the empty part out of the model"};
}

std::optional<Limit> row_limit(const Graph& graph, const ferryman::Op& op) {
  const LoweringRow* row = find_lowering(*op.def);
  if (row == nullptr) {
    return Limit{fmt::format("'{}' has no TFLite form", op.def->name), "",
                 "write this part with other operations, or move it out of the model"};
  }
  if (row->limit != nullptr) {
    if (std::optional<Limit> limit = row->limit(graph, op)) return limit;
  }
  if (!row->kernel.has_value() || op.operands.empty()) return std::nullopt;
  const ValueId data = op.operands[row->data_operand];
  if (!data.valid()) return std::nullopt;
  return type_limit(*row->kernel, op, graph.type(data).dtype);
}

std::optional<Limit> limit_of(const Graph& graph, const ferryman::Op& op) {
  if (auto limit = emptiness_limit(graph, op)) return limit;
  return row_limit(graph, op);
}

Result<Changed> run_check_target(Graph& graph, PassContext& context) {
  for (const OpId id : graph.op_ids()) {
    std::optional<Limit> limit = limit_of(graph, graph.op(id));
    if (!limit.has_value()) continue;
    context.diagnostics.add(Diag::error(DiagCode::kNotOnTarget, std::move(limit->what))
                                .at(graph.location(id))
                                .because(std::move(limit->why))
                                .hint(std::move(limit->hint))
                                .about(std::string(graph.op(id).def->name)));
  }
  return Changed::kNo;
}

Result<Changed> run_check_state(Graph& graph, PassContext&) {
  if (graph.state_updates().empty()) return Changed::kNo;
  std::string names;
  for (const StateUpdate& update : graph.state_updates()) {
    names += (names.empty() ? "'" : ", '") + graph.value(update.state).name + "'";
  }
  return Diag::error(DiagCode::kUnsupportedState,
                     fmt::format("the model writes to its buffers {}", names))
      .because("a TFLite file would forget the new value after each call")
      .hint("state=\"explicit\" (--state explicit) makes each an input and an output");
}

}  // namespace

Pass check_state() {
  return needed_because("a write must not be lost",
                        {"check_state", "refuse what the file would forget", run_check_state});
}

Pass check_target() {
  return needed_because(
      "lowering relies on it",
      {"check_target", "report every op that the target cannot express", run_check_target});
}

}  // namespace ferryman::tflite
