#include "targets/tflite/lower/lower.h"

#include <fmt/format.h>

#include "ops/attrs.h"
#include "ops/names.h"
#include "support/check.h"
#include "targets/tflite/format/option_fields.h"
#include "targets/tflite/lower/lower_table.h"

namespace ferryman::tflite {

using layout::Layout;

namespace {

// What the lowering of a graph and of all bodies inside of it fills.
struct ModelParts {
  std::vector<Subgraph> called;  // the first has number 1
  std::vector<SourceLocation> places;
};

// One graph, the main one or a body.
class GraphLowering : public CalledGraphs {
 public:
  GraphLowering(const Graph& graph, const layout::LayoutPlan& plan, ModelParts& parts)
      : graph_(graph),
        plan_(plan),
        parts_(parts),
        tensors_(graph.symbols(), subgraph_),
        sizes_(tensors_),
        memory_(graph, plan, tensors_, sizes_) {
    subgraph_.name = graph.name();
  }

  void run() {
    add_inputs();
    for (const OpId op : graph_.op_ids()) lower_op(op);
    add_outputs();
    check(memory_.bytes_copied() == plan_.bytes_copied,
          "copies other than those of the layout plan");
    for (const ValueId input : graph_.inputs())
      placements_.inputs.push_back(memory_.placement(input));
    for (const OpId op : graph_.op_ids()) place_results(graph_.op(op));
  }

  Subgraph take_subgraph() { return std::move(subgraph_); }
  Placements take_placements() { return std::move(placements_); }

  Subgraph lower(BodyId body) override {
    GraphLowering inner(graph_.body(body), plan_.bodies[body.index]->plan, parts_);
    inner.run();
    return inner.take_subgraph();
  }

  int32_t add(Subgraph subgraph) override {
    const size_t number = parts_.called.size() + 1;
    subgraph.name += "_" + std::to_string(number);
    parts_.called.push_back(std::move(subgraph));
    return static_cast<int32_t>(number);
  }

 private:
  void add_inputs() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const Value& value = graph_.value(graph_.inputs()[i]);
      const TensorIndex index =
          tensors_.add({.name = value.name, .type = value.type.dtype}, plan_.inputs[i].shape());
      sizes_.add_input(index);
      subgraph_.inputs.push_back(index);
      memory_.enter(graph_.inputs()[i], plan_.inputs[i], index);
    }
  }

  void lower_op(OpId id) {
    if (plan_.ops[id].relabelling) return;
    const LocationId location = graph_.op(id).location;
    memory_.set_location(static_cast<int32_t>(location.index));
    note_place(location);
    LowerOp op(graph_, plan_, memory_, tensors_, sizes_, *this, id);
    const LoweringRow* row = find_lowering(*op.op().def);
    check(row != nullptr, "an op that check_target should have refused");
    if (row->lower != nullptr) return row->lower(op);
    op.finish_elementwise(*row->kernel, default_options(*row->kernel));
  }

  void note_place(LocationId location) {
    if (!location.valid()) return;
    std::vector<SourceLocation>& places = parts_.places;
    if (location.index >= places.size()) places.resize(location.index + 1);
    places[location.index] = graph_.location(location);
  }

  void add_outputs() {
    memory_.set_location(-1);
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      placements_.outputs.push_back(output_placement(graph_.outputs()[i].value, plan_.outputs[i]));
      subgraph_.outputs.push_back(placements_.outputs.back().tensor);
    }
  }

  // Of the tensor that the user reads, which may be a copy of the one that was produced.
  Placement output_placement(ValueId value, const Layout& layout) {
    Placement placement = memory_.placement_in(value, layout);
    if (const OpId cut = graph_.producer_if(value, ops::kCut); cut.valid()) {
      const auto axis = static_cast<size_t>(graph_.op(cut).attr(attr::kAxis).value);
      placement.factors[axis] = int64_t{-1};  // known when the model has run
    }
    return placement;
  }

  void place_results(const ferryman::Op& op) {
    for (const ValueId result : op.results) {
      const std::string& name = graph_.value(result).name;
      if (name.empty()) continue;
      Placement placement = memory_.placement(result);
      if (placement.tensor != kAbsent) placements_.nodes.push_back({name, std::move(placement)});
    }
  }

  const Graph& graph_;
  const layout::LayoutPlan& plan_;
  ModelParts& parts_;
  Subgraph subgraph_;
  TensorTable tensors_;
  SizeTable sizes_;
  MemoryTable memory_;
  Placements placements_;
};

Signature signature_of(const Graph& graph, const Subgraph& main) {
  Signature signature;
  for (size_t i = 0; i < main.inputs.size(); ++i)
    signature.inputs.push_back({graph.value(graph.inputs()[i]).name, main.inputs[i]});
  for (size_t i = 0; i < main.outputs.size(); ++i)
    signature.outputs.push_back({graph.outputs()[i].name, main.outputs[i]});
  return signature;
}

}  // namespace

Lowered lower_to_tflite(const Graph& graph, const layout::LayoutPlan& plan) {
  ModelParts parts;
  GraphLowering lowering(graph, plan, parts);
  lowering.run();
  Lowered lowered;
  lowered.placements = lowering.take_placements();
  for (const Layout& layout : plan.inputs) lowered.input_shapes.push_back(layout.shape());
  for (const Layout& layout : plan.outputs) lowered.output_shapes.push_back(layout.shape());
  lowered.model.subgraphs.push_back(lowering.take_subgraph());
  lowered.model.signatures.push_back(signature_of(graph, lowered.model.subgraphs.front()));
  for (Subgraph& called : parts.called) lowered.model.subgraphs.push_back(std::move(called));
  lowered.model.places = std::move(parts.places);
  return lowered;
}

}  // namespace ferryman::tflite
