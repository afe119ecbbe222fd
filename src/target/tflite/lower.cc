#include "target/tflite/lower.h"

#include <fmt/format.h>

#include "ops/attrs.h"
#include "ops/names.h"
#include "support/check.h"
#include "target/tflite/lower_op.h"
#include "target/tflite/option_fields.h"

namespace ferryman::tflite {

using layout::Layout;

namespace {

// Copies an attribute into the option field of that name.
struct OptionSetter {
  std::string_view name;
  const Attr& attr;
  bool found = false;

  template <typename Field, typename Value>
  void operator()(const Field& field, Value& value) {
    if (field.name != name) return;
    found = true;
    if constexpr (std::is_same_v<Value, bool>) {
      value = std::get<bool>(attr);
    } else if constexpr (std::is_floating_point_v<Value>) {
      value = static_cast<Value>(std::get<double>(attr));
    } else if constexpr (std::is_integral_v<Value>) {
      value = static_cast<Value>(std::get<int64_t>(attr));
    } else {
      internal_error("a row sets an option of a kind that needs a lowering function");
    }
  }
};

// An op whose row names the target's op and its options.
void lower_by_row(LowerOp& op, const TargetRow& row) {
  const std::optional<Op> kernel = op_from_name(row.op);
  check(kernel.has_value(), "a row names an op that TFLite does not have");
  Options options = default_options(*kernel);
  for (const TargetOption& option : row.options) {
    const Attr& attr =
        option.fixed.has_value() ? *option.fixed : op.op().attrs_view().at(option.attr);
    OptionSetter setter{option.option, attr};
    visit_fields(options, setter);
    check(setter.found, "a row names an option that the op does not have");
  }
  op.finish_elementwise(*kernel, std::move(options));
}

class Lowering {
 public:
  Lowering(const Graph& graph, const layout::LayoutPlan& plan) : graph_(graph), plan_(plan) {
    lowered_.model.subgraphs.push_back({.name = graph.name()});
    memory_.emplace(graph, plan, main());
  }

  Lowered run() {
    add_inputs();
    for (const OpId op : graph_.op_ids()) lower_op(op);
    add_outputs();
    check(memory_->bytes_copied() == plan_.bytes_copied,
          "copies other than those of the layout plan");
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      lowered_.inputs.push_back(memory_->placement(graph_.inputs()[i]));
    }
    for (const OpId op : graph_.op_ids()) place_results(graph_.op(op));
    lowered_.model.signatures.push_back(std::move(signature_));
    for (Subgraph& called : called_.take()) lowered_.model.subgraphs.push_back(std::move(called));
    return std::move(lowered_);
  }

 private:
  Subgraph& main() { return lowered_.model.subgraphs.front(); }

  void add_inputs() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const Value& value = graph_.value(graph_.inputs()[i]);
      Tensor tensor;
      tensor.name = value.name;
      tensor.type = value.type.dtype;
      tensor.shape = to_shape(plan_.inputs[i].shape());
      const TensorIndex index = main().add(std::move(tensor));
      main().inputs.push_back(index);
      signature_.inputs.push_back({value.name, index});
      memory_->enter(graph_.inputs()[i], plan_.inputs[i], index);
    }
  }

  void lower_op(OpId id) {
    if (plan_.ops[id].relabelling) return;
    const LocationId location = graph_.op(id).location;
    memory_->set_location(static_cast<int32_t>(location.index));
    note_place(location);
    LowerOp op(graph_, plan_, *memory_, main(), called_, id);
    if (const LowerFn lower = find_lowering(op.op().def->name)) return lower(op);
    const TargetRow* row = op.op().def->target_row("tflite");
    check(row != nullptr, "an op that check_target should have refused");
    lower_by_row(op, *row);
  }

  void note_place(LocationId location) {
    if (!location.valid()) return;
    std::vector<SourceLocation>& places = lowered_.model.places;
    if (location.index >= places.size()) places.resize(location.index + 1);
    places[location.index] = graph_.location(location);
  }

  void add_outputs() {
    memory_->set_location(-1);
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const GraphOutput& output = graph_.outputs()[i];
      const TensorIndex index = memory_->in_layout(output.value, plan_.outputs[i]);
      main().outputs.push_back(index);
      signature_.outputs.push_back({output.name, index});
      lowered_.outputs.push_back(output_placement(output.value, plan_.outputs[i], index));
    }
  }

  // The tensor that the user reads, which may be a copy of the one that was produced.
  MemoryTable::Placement output_placement(ValueId value, const Layout& layout, TensorIndex tensor) {
    MemoryTable::Placement placement;
    placement.tensor = tensor;
    placement.factors = static_sizes(graph_.type(value).dims);
    for (const layout::PhysicalAxis& axis : layout.axes) {
      placement.perm.push_back(axis.parts.front().dim);
    }
    check(layout.dim_order().has_value(), "an output in pieces");
    if (const OpId cut = graph_.producer_if(value, ops::kCut); cut.valid()) {
      const auto axis = static_cast<size_t>(graph_.op(cut).attr(attr::kAxis).value);
      placement.factors[axis] = -1;  // known when the model has run
    }
    return placement;
  }

  void place_results(const ferryman::Op& op) {
    for (const ValueId result : op.results) {
      const std::string& name = graph_.value(result).name;
      if (name.empty()) continue;
      MemoryTable::Placement placement = memory_->placement(result);
      if (placement.tensor != kAbsent) lowered_.nodes.push_back({name, std::move(placement)});
    }
  }

  const Graph& graph_;
  const layout::LayoutPlan& plan_;
  Lowered lowered_;
  Signature signature_;
  std::optional<MemoryTable> memory_;
  CalledGraphs called_;
};

}  // namespace

Lowered lower_to_tflite(const Graph& graph, const layout::LayoutPlan& plan) {
  return Lowering(graph, plan).run();
}

}  // namespace ferryman::tflite
