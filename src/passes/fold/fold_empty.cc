#include "passes/fold/fold_empty.h"

#include <algorithm>

#include "ir/builder.h"
#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/fold/fold.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

bool is_empty(const Graph& graph, ValueId value) {
  const Dims& dims = graph.type(value).dims;
  return std::find(dims.begin(), dims.end(), Dim(0)) != dims.end();
}

// What nothing_like makes where other axes are of free size.
bool is_spread(const Graph& graph, ValueId value) {
  const OpId expand = graph.producer_if(value, ops::kExpand);
  return expand.valid() && !all_static(graph.type(value).dims) &&
         !is_empty(graph, graph.op(expand).operands[0]);
}

ValueId nothing_like(Rewriter& rewriter, ValueId value) {
  const TensorType type = rewriter.graph().type(value);
  const std::string name = rewriter.graph().value(value).name;
  return CoreWriter(rewriter).filled(type.dtype, type.dims, 0, name);
}

// Whether there was anything to replace, by what is written before that op.
bool replace_by_constant(Graph& graph, ValueId value, OpId before) {
  if (!is_empty(graph, value) || graph.num_readers(value) == 0) return false;
  Rewriter rewriter(graph);
  if (before.valid()) rewriter.insert_before(before);
  rewriter.replace_value(value, nothing_like(rewriter, value));
  return true;
}

// The op is not left to be lowered if nothing else is read of it.
bool fold_empty_results(Graph& graph, OpId op) {
  const std::vector<ValueId> results = graph.op(op).results;
  const auto replaceable = [&](ValueId result) {
    return is_empty(graph, result) && !is_spread(graph, result);
  };
  if (std::none_of(results.begin(), results.end(), replaceable)) return false;
  for (const ValueId result : results) replace_by_constant(graph, result, op);
  Rewriter(graph).erase_dead(op);
  return true;
}

// An op that makes something of nothing: a sum, a product of matrices.
bool makes_of_empty(const Graph& graph, OpId id) {
  const Op& op = graph.op(id);
  const bool reads = std::any_of(op.operands.begin(), op.operands.end(), [&](ValueId operand) {
    return operand.valid() && is_empty(graph, operand);
  });
  return reads && std::any_of(op.results.begin(), op.results.end(),
                              [&](ValueId value) { return graph.num_readers(value) > 0; });
}

Match<OneOp> match_concat_of_nothing(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  std::vector<ValueId> filled;
  for (const ValueId operand : op.operands) {
    if (!is_empty(graph, operand)) filled.push_back(operand);
  }
  if (filled.empty() || filled.size() == op.operands.size()) return std::nullopt;
  return OneOp{op.result(), ops::kConcat, filled, {{attr::kAxis, op.attr(attr::kAxis)}}};
}

Result<Changed> run_fold_empty_values(Graph& graph, PassContext& context) {
  bool changed = false;
  const std::vector<ValueId> inputs(graph.inputs().begin(), graph.inputs().end());
  for (const ValueId input : inputs) changed |= replace_by_constant(graph, input, graph.first_op());
  for (OpId op = graph.first_op(); op.valid();) {
    const OpId next = graph.op(op).next;
    changed |= fold_empty_results(graph, op) || (makes_of_empty(graph, op) && fold_op(graph, op));
    op = next;
  }
  const Rule rules[] = {concat_of_nothing()};
  return (changed ? Changed::kYes : Changed::kNo) | apply_rules(graph, rules, context);
}

}  // namespace

Rule concat_of_nothing() {
  return make_rule("concat_of_nothing", {ops::kConcat}, match_concat_of_nothing);
}

Pass fold_empty_values() {
  return needed_because(
      "runtimes fail on tensors without elements",
      {"fold_empty_values", "values without elements are constants", run_fold_empty_values});
}

}  // namespace ferryman
