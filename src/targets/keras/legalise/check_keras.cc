// What is left without a form in Keras, all at once. Runs after the rules, so that everything here
// is final.
#include <fmt/format.h>

#include <optional>

#include "ops/attrs.h"
#include "ops/names.h"
#include "targets/keras/legalise/legalise.h"
#include "targets/keras/lower/lower_table.h"

namespace ferryman::keras {

namespace {

constexpr std::string_view kHint =
    "write this part with other operations, or move it out of the model";

std::optional<Limit> limit_of(const Graph& graph, const Op& op) {
  const LoweringRow* row = find_lowering(*op.def);
  if (op.def->has_bodies()) {
    return Limit{fmt::format("'{}' in a saved model", op.def->name),
                 "keras.ops.cond, while_loop and scan take Python functions, which the file of a "
                 "functional model cannot hold",
                 "choose between both results with torch.where, write the loop out for a fixed "
                 "number of steps, or convert to TFLite, which has branches and loops"};
  }
  if (row == nullptr) return Limit{fmt::format("'{}' has no Keras form", op.def->name), "", ""};
  if (row->limit == nullptr) return std::nullopt;
  return row->limit(graph, op);
}

Result<Changed> run_check_keras(Graph& graph, PassContext& context) {
  for (const OpId id : graph.op_ids()) {
    std::optional<Limit> limit = limit_of(graph, graph.op(id));
    if (!limit.has_value()) continue;
    Diag error = Diag::error(DiagCode::kNotOnTarget, std::move(limit->what));
    error.at(graph.location(id)).about(std::string(graph.op(id).def->name));
    if (!limit->why.empty()) error.because(std::move(limit->why));
    error.hint(limit->hint.empty() ? std::string(kHint) : std::move(limit->hint));
    context.diagnostics.add(std::move(error));
  }
  return Changed::kNo;
}

Result<Changed> run_check_keras_state(Graph& graph, PassContext&) {
  if (graph.state_updates().empty()) return Changed::kNo;
  std::string names;
  for (const StateUpdate& update : graph.state_updates())
    names += (names.empty() ? "'" : ", '") + graph.value(update.state).name + "'";
  return Diag::error(DiagCode::kUnsupportedState,
                     fmt::format("the model writes to its buffers {}", names))
      .because("a functional model of Keras holds no state of that kind")
      .hint("state=\"explicit\" (--state explicit) makes each an input and an output");
}

}  // namespace

Pass check_keras_state() {
  return needed_because(
      "a write must not be lost",
      {"check_keras_state", "refuse what a functional model would forget", run_check_keras_state});
}

Pass check_keras() {
  return needed_because(
      "lowering relies on it",
      {"check_keras", "report every op that Keras cannot express", run_check_keras});
}

}  // namespace ferryman::keras
