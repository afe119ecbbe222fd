#include "layout/plan.h"

#include <algorithm>
#include <unordered_map>

#include "layout/copy_steps.h"
#include "layout/labels.h"
#include "layout/modes.h"
#include "layout/planning.h"

namespace ferryman::layout {

namespace {

using FactorNumbers = SmallVector<int, 8>;

// Turns chosen labels into layouts: where the axes of size 1 stand, and which factors are one axis.
class PlanWriter {
 public:
  PlanWriter(const Graph& graph, const IoLayouts& io, const Model& model, const Solution& solution)
      : graph_(graph), io_(io), model_(model), solution_(solution) {}

  LayoutPlan write() {
    plan_.views = model_.factors.views;
    plan_.ops = OpMap<OpPlan>(graph_.num_op_ids());
    plan_.bodies.resize(graph_.num_body_ids());
    produced_.assign(model_.memories.size(), 0);
    used_.assign(model_.memories.size(), 0);
    is_seen_.assign(model_.memories.size(), 0);
    for (size_t m = 0; m < used_.size(); ++m) used_[m] = model_.memories[m].pinned;
    write_inputs();
    for (const OpId op : graph_.op_ids()) plan_.ops[op].relabelling = true;
    for (size_t o = 0; o < model_.ops.size(); ++o) write_op(o);
    write_outputs();
    write_copies();
    for (const LayoutCopy& copy : plan_.copies) plan_.bytes_copied += copy.bytes;
    plan_.bytes_moved += plan_.bytes_copied;
    plan_.lower_bound = model_.complete ? solution_.lower_bound : 0;
    plan_.proven = plan_.lower_bound == plan_.bytes_moved &&
                   std::all_of(plan_.bodies.begin(), plan_.bodies.end(), [](const auto& body) {
                     return body == nullptr || body->plan.proven;
                   });
    return std::move(plan_);
  }

 private:
  size_t rank(ValueId value) const { return graph_.type(value).rank(); }
  const Dims& dims(ValueId value) const { return graph_.type(value).dims; }
  const ValueFactors& factors(ValueId value) const { return model_.factors.of[value]; }
  const Memory& memory(int m) const { return model_.memories[static_cast<size_t>(m)]; }

  // Factors of `dim` in the order given; all of them if `inner` is null.
  PhysicalAxis whole_dim(ValueId value, int dim, const FactorNumbers* inner) const {
    PhysicalAxis axis{.extent = dims(value)[static_cast<size_t>(dim)], .parts = {}};
    const ValueFactors& of = factors(value);
    const int begin = of.first[static_cast<size_t>(dim)];
    const int end = of.first[static_cast<size_t>(dim) + 1];
    if (begin == end) axis.parts.push_back({.dim = dim});
    for (int k = begin; k < end; ++k) {
      const int factor = inner == nullptr ? k : (*inner)[static_cast<size_t>(k - begin)];
      axis.parts.push_back({dim, factor, of.extents[static_cast<size_t>(factor)]});
    }
    return axis;
  }

  Layout layout_of_dims(ValueId value, const std::vector<int>& order) const {
    Layout layout;
    for (const int dim : order) layout.axes.push_back(whole_dim(value, dim, nullptr));
    return layout;
  }

  Layout logical_layout(ValueId value) const {
    Layout layout;
    layout.axes.reserve(rank(value));
    for (size_t d = 0; d < rank(value); ++d) {
      layout.axes.push_back(whole_dim(value, static_cast<int>(d), nullptr));
    }
    return layout;
  }

  // A layout outside of any op: neighbouring factors of a dim are one axis, dims of size 1 follow
  // the dim before them.
  Layout layout_of_label(ValueId value, const Order& label) const {
    const FactorList& root_factors = model_.factors.views[value].factors;
    if (label.size() != root_factors.size()) return logical_layout(value);
    Layout layout;
    for (const uint8_t root_factor : label) {
      const auto at = std::find(root_factors.begin(), root_factors.end(), root_factor);
      append_factor(layout, value, static_cast<int>(at - root_factors.begin()));
    }
    for (size_t d = 0; d < rank(value); ++d) {
      if (dims(value)[d] != Dim(1)) continue;
      const Ints before = d == 0 ? Ints() : layout.axes_of_dim(static_cast<int>(d) - 1);
      const long at = before.empty() ? 0 : static_cast<long>(before.back()) + 1;
      layout.axes.insert(layout.axes.begin() + at,
                         {.extent = 1, .parts = {{.dim = static_cast<int>(d)}}});
    }
    return layout;
  }

  void append_factor(Layout& layout, ValueId value, int factor) const {
    const ValueFactors& of = factors(value);
    const int dim = of.dim_of(static_cast<size_t>(factor));
    const Dim extent = of.extents[static_cast<size_t>(factor)];
    const bool joins = !layout.axes.empty() && layout.axes.back().parts.front().dim == dim;
    if (!joins) layout.axes.push_back({.extent = 1, .parts = {}});
    append_part(layout.axes.back(), value, {dim, factor, extent});
  }

  // The extent of an axis that holds a symbolic part is known only if it is a whole dim; callers
  // never join other parts with symbolic ones.
  void append_part(PhysicalAxis& axis, ValueId value, AxisPart part) const {
    axis.parts.push_back(part);
    const size_t dim = static_cast<size_t>(part.dim);
    const int count = factors(value).first[dim + 1] - factors(value).first[dim];
    if (static_cast<int>(axis.parts.size()) == count) {
      axis.extent = dims(value)[dim];
    } else if (axis.parts.size() == 1) {
      axis.extent = part.extent;
    } else if (axis.extent.is_static() && part.extent.is_static()) {
      axis.extent = Dim(axis.extent.size() * part.extent.size());
    }
  }

  void write_inputs() {
    plan_.inputs.reserve(graph_.inputs().size());
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      const ValueId value = graph_.inputs()[i];
      const IoLayout wanted = i < io_.inputs.size() ? io_.inputs[i] : IoLayout();
      const size_t m = static_cast<size_t>(model_.memory_of[value]);
      Layout layout = port_layout(value, wanted);
      const Order order = label_of_layout(value, layout);
      const std::vector<Order>& labels = model_.memories[m].labels;
      produced_[m] =
          static_cast<size_t>(std::find(labels.begin(), labels.end(), order) - labels.begin());
      used_[m] |= LabelMask{1} << produced_[m];
      plan_.inputs.push_back(std::move(layout));
      remember(m, produced_[m], value, plan_.inputs.back());
    }
  }

  Order label_of_layout(ValueId value, const Layout& layout) const {
    Order label;
    if (factors(value).size() > Order::kCapacity) return label;
    for (const uint8_t factor : plan_.memory_order(value, layout).factors) label.push_back(factor);
    return label;
  }

  // Inputs, then outputs, in the order of the model's released ports.
  Layout port_layout(ValueId value, const IoLayout& wanted) {
    switch (wanted.kind) {
      case IoLayout::Kind::kLogical:
        return logical_layout(value);
      case IoLayout::Kind::kOrder:
        return layout_of_dims(value, wanted.order);
      case IoLayout::Kind::kAny:
        break;
    }
    const int m = model_.memory_of[value];
    if (memory(m).constant) return logical_layout(value);
    const size_t port = next_port_++;
    const int mode = solution_.modes[model_.ops.size() + port];
    const int label = model_.released[port].labels[static_cast<size_t>(mode)];
    used_[static_cast<size_t>(m)] |= LabelMask{1} << label;
    const Layout* known = seen_as(static_cast<size_t>(m), static_cast<size_t>(label), value);
    if (known != nullptr) return *known;
    return layout_of_label(value, memory(m).labels[static_cast<size_t>(label)]);
  }

  void write_outputs() {
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const IoLayout wanted = i < io_.outputs.size() ? io_.outputs[i] : IoLayout();
      plan_.outputs.push_back(port_layout(graph_.outputs()[i].value, wanted));
    }
    for (const StateUpdate& update : graph_.state_updates()) {
      plan_.updates.push_back(logical_layout(update.value));
    }
  }

  void write_copies() {
    for (size_t m = 0; m < model_.memories.size(); ++m) {
      const Memory& of = model_.memories[m];
      for (size_t label = 0; label < of.labels.size(); ++label) {
        if (label == produced_[m] || (used_[m] >> label & 1) == 0) continue;
        LayoutCopy copy{.value = of.root,
                        .from = layout_of_label(of.root, of.labels[produced_[m]]),
                        .to = layout_of_label(of.root, of.labels[label])};
        const Rearrangement moved = rearrange(plan_, of.root, copy.from, of.root, copy.to);
        const size_t steps = all_static(moved.input_shape)
                                 ? copy_steps(moved.input_shape, moved.perm).size()
                                 : size_t{1};
        copy.bytes = 2 * of.bytes * static_cast<int64_t>(steps);
        plan_.copies.push_back(std::move(copy));
      }
    }
  }

  // The first shape in which memory exists in some order.
  void remember(size_t memory, size_t label, ValueId value, const Layout& layout) {
    if ((is_seen_[memory] >> label & 1) != 0) return;
    is_seen_[memory] |= LabelMask{1} << label;
    seen_.emplace(memory * kMaxLabels + label, Seen{value, &layout});
  }

  // That shape, if it is one of this value.
  const Layout* seen_as(size_t memory, size_t label, ValueId value) const {
    const auto known = seen_.find(memory * kMaxLabels + label);
    return known != seen_.end() && known->second.value == value ? known->second.layout : nullptr;
  }

  void write_op(size_t o) {
    const ModelOp& op = model_.ops[o];
    const ModelMode& mode = op.modes[static_cast<size_t>(solution_.modes[o])];
    OpPlan& chosen = plan_.ops[op.id];
    chosen.relabelling = false;
    chosen.form = op.forms[mode.form].id;
    plan_.bytes_moved += op.forms[mode.form].cost;
    enter_bodies(op, mode.form);
    chosen.operands.reserve(op.num_operands);  // seen_ refers to the layouts
    chosen.results.reserve(op.tensors.size() - op.num_operands);
    UnitOrders units_of(op.tensors.size());
    for (size_t t = 0; t < op.tensors.size(); ++t) {
      const int m = op.tensors[t].memory;
      if (m < 0) continue;
      const size_t label = static_cast<size_t>(mode.labels[t]);
      units_of[t] = units_in_label(op.tensors[t], memory(m).labels[label]);
      used_[static_cast<size_t>(m)] |= LabelMask{1} << label;
      if (t >= op.num_operands) produced_[static_cast<size_t>(m)] = label;
    }
    const Order common = common_order(op, units_of);
    const UnitRuns runs = all_runs(op, mode, common);
    for (size_t t = 0; t < op.tensors.size(); ++t) {
      const ModelTensor& tensor = op.tensors[t];
      const TensorDemand& demand = op.demand(mode.form, t);
      if (tensor.memory < 0) {
        units_of[t] = meet_demand(tensor, demand, shared_units(tensor, common));
      }
      Layout layout = layout_in_op(op, tensor, demand, units_of[t], runs);
      auto& list = t < op.num_operands ? chosen.operands : chosen.results;
      list.push_back(std::move(layout));
      if (tensor.memory < 0) continue;
      remember(static_cast<size_t>(tensor.memory), static_cast<size_t>(mode.labels[t]),
               tensor.value, list.back());
    }
  }

  void enter_bodies(const ModelOp& op, size_t form) {
    const std::vector<BodyId> bodies = bodies_of(graph_.op(op.id));
    for (size_t i = 0; i < bodies.size(); ++i) {
      std::shared_ptr<const BodyPlan>& entry = plan_.bodies[bodies[i].index];
      check(entry == nullptr || entry == op.bodies[form][i],
            "a body that two ops run with different layouts");
      entry = op.bodies[form][i];
    }
  }

  // Also places the axes that have size 1 in all tensors: as in the operand that comes as it is.
  UnitRuns all_runs(const ModelOp& op, const ModelMode& mode, const Order& common) const {
    UnitRuns runs = unit_runs(op, common);
    const auto place = [&](const AxisList& sequence) {
      for (size_t i = 0; i < sequence.size(); ++i) {
        const auto is_axis = [&](int axis) {
          return [axis](const UnitRun& run) { return run.axis == axis; };
        };
        if (std::any_of(runs.begin(), runs.end(), is_axis(sequence[i]))) continue;
        auto at = runs.begin();
        if (i > 0) {
          at = std::find_if(runs.rbegin(), runs.rend(), is_axis(sequence[i - 1])).base();
        }
        runs.insert(at, {sequence[i], {}});
      }
    };
    place(axes_as_they_come(op, mode));
    AxisList every(op.axes.size());
    for (size_t a = 0; a < every.size(); ++a) every[a] = static_cast<int>(a);
    place(every);
    return runs;
  }

  // The op's axes in the order in which its widest operand lies in memory already.
  AxisList axes_as_they_come(const ModelOp& op, const ModelMode& mode) const {
    size_t widest = op.num_operands;
    for (size_t t = 0; t < op.num_operands; ++t) {
      if (op.tensors[t].memory < 0) continue;
      const bool wider =
          widest == op.num_operands || op.tensors[t].axes.size() > op.tensors[widest].axes.size();
      if (wider) widest = t;
    }
    AxisList sequence;
    if (widest == op.num_operands) return sequence;
    const ModelTensor& tensor = op.tensors[widest];
    const Layout* known = seen_as(static_cast<size_t>(tensor.memory),
                                  static_cast<size_t>(mode.labels[widest]), tensor.value);
    if (known == nullptr) return sequence;
    for (const PhysicalAxis& axis : known->axes) {
      const int dim = axis.parts.front().dim;
      if (dim >= 0) sequence.push_back(tensor.axes[static_cast<size_t>(dim)]);
    }
    return sequence;
  }

  static bool is_demanded(const TensorDemand& demand, int dim) {
    return std::find(demand.innermost.begin(), demand.innermost.end(), dim) !=
           demand.innermost.end();
  }

  Layout layout_in_op(const ModelOp& op, const ModelTensor& tensor, const TensorDemand& demand,
                      const Order& units, const UnitRuns& runs) const {
    Layout layout;
    if (!tensor.value.valid()) return layout;
    if (tensor.axes.size() != rank(tensor.value)) return logical_layout(tensor.value);
    layout.axes.reserve(rank(tensor.value));
    for (const UnitRun& run : runs) {
      bool has_axis = false;
      for (size_t d = 0; d < tensor.axes.size(); ++d) {
        if (tensor.axes[d] != run.axis) continue;
        has_axis = true;
        const int dim = static_cast<int>(d);
        if (!is_demanded(demand, dim)) append_run(layout, tensor, dim, run);
      }
      // A 1 opposite the axis, unless it would be in front, where broadcasting adds it.
      const bool broadcasts = op.axes[static_cast<size_t>(run.axis)].broadcasts;
      if (!has_axis && broadcasts && !layout.axes.empty()) {
        layout.axes.push_back({.extent = 1, .parts = {{.dim = -1}}});
      }
    }
    for (const int dim : demand.innermost) {
      FactorNumbers inner;
      for (const uint8_t unit : units) append_factors_of(tensor, unit, dim, inner);
      layout.axes.push_back(whole_dim(tensor.value, dim, inner.empty() ? nullptr : &inner));
    }
    return layout;
  }

  static void append_factors_of(const ModelTensor& tensor, uint8_t unit, int dim,
                                FactorNumbers& list) {
    for (size_t k = 0; k < tensor.units.size(); ++k) {
      if (tensor.units[k] == unit && tensor.factor_dims[k] == dim) {
        list.push_back(static_cast<int>(k));
      }
    }
  }

  void append_run(Layout& layout, const ModelTensor& tensor, int dim, const UnitRun& run) const {
    FactorNumbers list;
    for (const uint8_t unit : run.units) append_factors_of(tensor, unit, dim, list);
    if (list.empty()) {
      layout.axes.push_back({.extent = 1, .parts = {{.dim = dim}}});
      return;
    }
    const ValueFactors& of = factors(tensor.value);
    const size_t d = static_cast<size_t>(dim);
    const bool whole = static_cast<int>(list.size()) == of.first[d + 1] - of.first[d];
    const bool symbolic = std::any_of(list.begin(), list.end(), [&](int factor) {
      return !of.extents[static_cast<size_t>(factor)].is_static();
    });
    PhysicalAxis axis;
    for (const int factor : list) {
      if (symbolic && !whole && !axis.parts.empty()) layout.axes.push_back(std::exchange(axis, {}));
      append_part(axis, tensor.value, {dim, factor, of.extents[static_cast<size_t>(factor)]});
    }
    layout.axes.push_back(std::move(axis));
  }

  const Graph& graph_;
  const IoLayouts& io_;
  const Model& model_;
  const Solution& solution_;
  LayoutPlan plan_;
  std::vector<size_t> produced_;  // per memory, the label it is made in
  std::vector<LabelMask> used_;   // per memory
  size_t next_port_ = 0;
  struct Seen {
    ValueId value;
    const Layout* layout;
  };
  std::vector<LabelMask> is_seen_;  // per memory
  std::unordered_map<size_t, Seen> seen_;
};

}  // namespace

Planning run_planning(const Graph& graph, const TargetContract& contract, const IoLayouts& io) {
  BodyPlanner bodies(contract);
  return run_planning(graph, contract, io, bodies);
}

Planning run_planning(const Graph& graph, const TargetContract& contract, const IoLayouts& io,
                      BodyPlanner& bodies) {
  Planning planning{
      .model = build_model(graph, contract, io, bodies), .problem = {}, .solution = {}};
  find_labels(planning.model);
  list_modes(planning.model, kMaxModes);
  planning.problem = make_problem(planning.model);
  planning.solution = solve(planning.problem);
  return planning;
}

LayoutPlan write_plan(const Graph& graph, const IoLayouts& io, const Planning& planning) {
  return PlanWriter(graph, io, planning.model, planning.solution).write();
}

LayoutPlan plan_layout(const Graph& graph, const TargetContract& contract, const IoLayouts& io) {
  return write_plan(graph, io, run_planning(graph, contract, io));
}

}  // namespace ferryman::layout
