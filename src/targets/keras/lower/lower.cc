#include "targets/keras/lower/lower.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "support/check.h"
#include "targets/keras/lower/lower_families.h"
#include "targets/keras/lower/lower_table.h"
#include "targets/keras/lower/nest.h"
#include "targets/keras/lower/node_modules.h"
#include "targets/keras/lower/stored_weights.h"

namespace ferryman::keras {

namespace {

// Keras would have to be told a size that is free.
Diag refused(const SizeError& error) {
  return Diag::error(DiagCode::kNotOnTarget, error.what())
      .hint("give fewer axes a free size in dynamic_shapes");
}

class GraphLowering {
 public:
  explicit GraphLowering(const WriteRequest& request)
      : request_(request),
        graph_(request.graph),
        plan_(request.plan),
        builder_(graph_, {request.frozen.begin(), request.frozen.end()}),
        memory_(graph_, plan_, builder_) {}

  Result<Lowered> run() {
    add_inputs();
    for (const OpId op : graph_.op_ids()) {
      FERRYMAN_TRY_STATUS(lower_op(op));
    }
    add_outputs();
    for (const OpId op : graph_.op_ids()) place_results(graph_.op(op));
    artifact_.weights = stored_weights(graph_, builder_.model(),
                                       {request_.parameters.begin(), request_.parameters.end()});
    for (const NodeIndex index : order_of_nodes(builder_.model())) {
      const Node& node = builder_.model().node(index);
      artifact_.operators.push_back({node.class_name, node.location});
    }
    FERRYMAN_TRY(Model model, nest());
    return Lowered{std::move(model), std::move(artifact_)};
  }

 private:
  void add_inputs() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const ValueId input = graph_.inputs()[i];
      const TensorIndex tensor = builder_.input(
          request_.input_name(i), {graph_.type(input).dtype, plan_.inputs[i].shape()});
      memory_.enter(input, plan_.inputs[i], tensor);
      artifact_.inputs.push_back(port(request_.input_name(i), memory_.placement(input)));
    }
  }

  Status lower_op(OpId id) {
    if (plan_.ops[id].relabelling) return {};
    builder_.set_location(graph_.op(id).location);
    LowerOp op(plan_, memory_, builder_, id);
    const LoweringRow* row = find_lowering(*op.op().def);
    check(row != nullptr, "an op that check_keras should have refused");
    try {
      row->lower != nullptr ? row->lower(op) : lower_pointwise(op, row->keras);
    } catch (const SizeError& error) {
      return refused(error).at(graph_.location(id)).about(std::string(op.op().def->name));
    }
    return {};
  }

  void add_outputs() {
    builder_.set_location(LocationId());
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      Placement placement = memory_.placement_in(graph_.outputs()[i].value, plan_.outputs[i]);
      placement.tensor = builder_.as_tensor(placement.tensor);
      builder_.model().outputs.push_back(placement.tensor);
      artifact_.outputs.push_back(port(request_.output_name(i), placement));
    }
  }

  void place_results(const Op& op) {
    for (const ValueId result : op.results) {
      const std::string& name = graph_.value(result).name;
      if (name.empty()) continue;
      Placement placement = memory_.placement(result);
      if (placement.tensor >= 0 && !builder_.is_literal(placement.tensor))
        artifact_.values.push_back({name, std::move(placement)});
    }
  }

  // Names the tensors as the file has them, in modules that are models of their own.
  Result<Model> nest() {
    const NodeModules modules(graph_, builder_.model());
    FERRYMAN_TRY(const std::vector<std::string> wanted, modules.wanted(request_.nested));
    Nested nested = nest_modules(std::move(builder_.model()), modules.paths(), wanted);
    artifact_.tensors = std::move(nested.tensors);
    for (const NotNested& left : nested.left) {
      artifact_.remarks.push_back(
          Diag::remark("nested", fmt::format("the module '{}' is no model of its own", left.path))
              .because(left.why));
    }
    return std::move(nested.model);
  }

  ArtifactPort port(const std::string& name, Placement placement) const {
    const Tensor& tensor = builder_.model().tensor(placement.tensor);
    std::vector<ToldSize> shape;
    for (const Dim dim : tensor.shape) shape.push_back(graph_.symbols().tell(dim));
    return {name, std::move(placement), std::move(shape), std::string(dtype_name(tensor.dtype))};
  }

  const WriteRequest& request_;
  const Graph& graph_;
  const layout::LayoutPlan& plan_;
  ModelBuilder builder_;
  Memory memory_;
  Artifact artifact_;
};

}  // namespace

Result<Lowered> lower_to_keras(const WriteRequest& request) {
  try {
    return GraphLowering(request).run();
  } catch (const SizeError& error) {  // at an input or output
    return refused(error);
  }
}

}  // namespace ferryman::keras
