#include "passes/fold_empty.h"

#include "ir/builder.h"

namespace ferryman {

namespace {

bool is_empty(const Graph& graph, ValueId value) {
  const Dims& dims = graph.type(value).dims;
  return all_static(dims) && num_elements(dims) == 0;
}

// Whether there was anything to replace.
bool replace_by_constant(Graph& graph, ValueId value) {
  if (!is_empty(graph, value) || graph.num_readers(value) == 0) return false;
  Rewriter rewriter(graph);
  const TensorType& type = graph.type(value);
  TensorData nothing = TensorData::filled(type.dtype, static_sizes(type.dims), 0);
  const std::string name = graph.value(value).name;
  rewriter.replace_value(value, rewriter.constant(std::move(nothing), name));
  return true;
}

Result<Changed> run_fold_empty_values(Graph& graph, PassContext&) {
  bool changed = false;
  const std::vector<ValueId> inputs(graph.inputs().begin(), graph.inputs().end());
  for (const ValueId input : inputs) changed |= replace_by_constant(graph, input);
  for (const OpId op : graph.op_ids()) {
    const std::vector<ValueId> results = graph.op(op).results;
    for (const ValueId result : results) changed |= replace_by_constant(graph, result);
  }
  return changed ? Changed::kYes : Changed::kNo;
}

}  // namespace

Pass fold_empty_values() {
  return {"fold_empty_values", "values without elements are constants", run_fold_empty_values};
}

}  // namespace ferryman
