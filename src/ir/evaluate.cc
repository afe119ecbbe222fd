#include "ir/evaluate.h"

#include <fmt/format.h>

#include <optional>

namespace ferryman {

namespace {

class Evaluator {
 public:
  explicit Evaluator(const Graph& graph)
      : graph_(graph), values_(graph.num_value_ids()), readers_(graph.num_value_ids(), 0) {
    for (const OpId id : graph.op_ids()) {
      for (const ValueId operand : graph.op(id).operands) {
        if (operand.valid()) ++readers_[operand];
      }
    }
  }

  Status set_inputs(std::span<const TensorData> inputs) {
    const std::vector<ValueId>& ids = graph_.inputs();
    if (inputs.size() != ids.size())
      return bad_input(fmt::format("{} inputs for a graph of {}", inputs.size(), ids.size()));
    for (size_t i = 0; i < ids.size(); ++i) {
      const TensorType& type = graph_.type(ids[i]);
      if (type.dtype != inputs[i].dtype() || type.dims != to_dims(inputs[i].shape()))
        return bad_input(fmt::format("input '{}' has another type", graph_.value(ids[i]).name));
      values_[ids[i]] = inputs[i].materialised();
    }
    return {};
  }

  Status run() {
    for (const OpId id : graph_.op_ids()) FERRYMAN_TRY_STATUS(run_op(id));
    return {};
  }

  TensorData take(ValueId value) { return materialised(value); }

 private:
  static Diag bad_input(std::string what) {
    return Diag::error(DiagCode::kBadOption, std::move(what));
  }

  const TensorData& materialised(ValueId id) {
    std::optional<TensorData>& held = values_[id];
    if (!held.has_value()) held = graph_.value(id).data->materialised();
    return *held;
  }

  Status run_op(OpId id) {
    const Op& op = graph_.op(id);
    std::vector<const TensorData*> operands(std::max(op.operands.size(), op.def->operands.size()));
    for (size_t i = 0; i < op.operands.size(); ++i) {
      if (op.operands[i].valid()) operands[i] = &materialised(op.operands[i]);
    }
    FERRYMAN_TRY(std::vector<TensorData> results, evaluate_op(graph_, id, operands));
    for (size_t i = 0; i < op.results.size(); ++i)
      values_[op.results[i]] = results[i].materialised();
    for (const ValueId operand : op.operands) release(operand);
    return {};
  }

  // Memory is freed after the last reader.
  void release(ValueId id) {
    if (!id.valid() || --readers_[id] > 0 || graph_.is_output(id)) return;
    values_[id].reset();
  }

  const Graph& graph_;
  ValueMap<std::optional<TensorData>> values_;
  ValueMap<uint32_t> readers_;
};

}  // namespace

Result<std::vector<TensorData>> evaluate_op(const Graph& graph, OpId id,
                                            std::span<const TensorData* const> operands) {
  const Op& op = graph.op(id);
  if (!op.def->eval) {
    return Diag::error(DiagCode::kUnsupportedForm,
                       fmt::format("{} has no reference evaluator", op.def->name))
        .at(graph.location(id));
  }
  std::vector<TensorType> types;
  for (const ValueId result : op.results) {
    types.push_back(graph.type(result));
    if (all_static(types.back().dims)) continue;
    return Diag::error(DiagCode::kUnsupportedForm, "a size that is only known at run time")
        .at(graph.location(id));
  }
  const std::vector<BodyId> bodies = bodies_of(op);
  const RunBody run_body = [&](size_t body, std::span<const TensorData> inputs) {
    return evaluate_graph(graph.body(bodies[body]), inputs);
  };
  Result<std::vector<TensorData>> results =
      op.def->eval({operands, op.attrs_view(), types, run_body});
  if (!results.ok()) {
    Diag diag = std::move(results).diag();
    diag.what = fmt::format("{}: {}", op.def->name, diag.what);
    return std::move(diag.at(graph.location(id)));
  }
  for (size_t i = 0; i < types.size(); ++i) {
    const TensorData& made = (*results)[i];
    check(made.dtype() == types[i].dtype && to_dims(made.shape()) == types[i].dims,
          "an evaluator made another type than the row infers");
  }
  return results;
}

Result<std::vector<TensorData>> evaluate_graph(const Graph& graph,
                                               std::span<const TensorData> inputs) {
  Evaluator evaluator(graph);
  FERRYMAN_TRY_STATUS(evaluator.set_inputs(inputs));
  FERRYMAN_TRY_STATUS(evaluator.run());
  std::vector<TensorData> outputs;
  for (const GraphOutput& output : graph.outputs()) outputs.push_back(evaluator.take(output.value));
  return outputs;
}

}  // namespace ferryman
