#include "layout/model.h"

#include <algorithm>
#include <span>

namespace ferryman::layout {

namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 48;  // keeps sums of costs far from overflow

AxisList all_dims(size_t rank) {
  AxisList dims(rank);
  for (size_t d = 0; d < rank; ++d) dims[d] = static_cast<int>(d);
  return dims;
}

class ModelBuilder {
 public:
  ModelBuilder(const Graph& graph, const TargetContract& contract, BodyPlanner& bodies)
      : graph_(graph), contract_(contract), bodies_(bodies) {}

  Model build(const IoLayouts& io) {
    OpMap<OpAxes> axes(graph_.num_op_ids());
    for (const OpId op : graph_.op_ids()) axes[op] = op_axes(graph_, op);
    model_.factors = find_factors(graph_, axes);
    add_memories();
    model_.ops.reserve(graph_.num_ops());
    for (const OpId op : graph_.op_ids()) {
      const bool relabels = axes[op].kind == OpAxes::Kind::kRelabel;
      if (relabels && model_.factors.opaque[op] == 0) continue;
      add_op(op, std::move(axes[op]));
    }
    pin_boundary(io);
    return std::move(model_);
  }

 private:
  size_t rank(ValueId value) const { return graph_.type(value).rank(); }

  void add_memories() {
    model_.memory_of = ValueMap<int>(graph_.num_value_ids(), -1);
    ValueMap<int> memory_of_root(graph_.num_value_ids(), -1);
    for (size_t v = 0; v < graph_.num_value_ids(); ++v) {
      const ValueId root = model_.factors.views[ValueId(v)].root;
      int& memory = memory_of_root[root];
      if (memory < 0) {
        memory = static_cast<int>(model_.memories.size());
        Memory& added = model_.memories.emplace_back();
        added.root = root;
        added.constant = graph_.is_stored(root);
        added.num_factors = model_.factors.of[root].size();
        added.bytes = estimated_bytes(graph_, root);
        // So many factors only occur where the rank is as large: such memory is never permuted.
        if (added.num_factors > Order::kCapacity) added.num_factors = 0;
        added.labels.push_back(Order::identity(added.num_factors));
      }
      model_.memory_of[ValueId(v)] = memory;
    }
  }

  Memory& memory_of(ValueId value) {
    return model_.memories[static_cast<size_t>(model_.memory_of[value])];
  }

  bool is_too_wide(ValueId value) const {
    return value.valid() &&
           (model_.factors.of[value].size() > Order::kCapacity || rank(value) > UINT8_MAX);
  }

  void add_op(OpId id, OpAxes axes) {
    const Op& op = graph_.op(id);
    const bool too_wide = std::any_of(op.operands.begin(), op.operands.end(),
                                      [&](ValueId v) { return is_too_wide(v); }) ||
                          std::any_of(op.results.begin(), op.results.end(),
                                      [&](ValueId v) { return is_too_wide(v); });
    ModelOp added{.id = id,
                  .axes = axes.axes,
                  .unit_axes = {},
                  .tensors = {},
                  .num_operands = op.operands.size(),
                  .forms = {},
                  .modes = {},
                  .bodies = {}};
    const bool relabels = axes.kind == OpAxes::Kind::kRelabel;
    const bool whole_dims = counts_along_dims(op, axes.kind);
    if (!relabels) added.forms = contract_.forms(graph_, id);
    const bool knows_nothing =
        axes.kind == OpAxes::Kind::kOpaque || op.def->axes == AxisRule::kAnchored;
    if (relabels || too_wide || (added.forms.empty() && knows_nothing)) {
      added.forms = {logical_form(op)};
    } else if (added.forms.empty()) {
      added.forms.emplace_back();
    }
    for (Form& form : added.forms) {
      if (form.max_rank == 0) form.max_rank = contract_.max_rank();
    }
    if (op.def->has_bodies()) plan_bodies(added);
    axes.operands.resize(op.operands.size());
    axes.results.resize(op.results.size());
    added.tensors.reserve(op.operands.size() + op.results.size());
    for (size_t t = 0; t < op.operands.size(); ++t) {
      added.tensors.push_back(make_tensor(op.operands[t], std::move(axes.operands[t])));
    }
    for (size_t r = 0; r < op.results.size(); ++r) {
      added.tensors.push_back(make_tensor(op.results[r], std::move(axes.results[r])));
    }
    add_units(added);
    for (ModelTensor& tensor : added.tensors) tensor.whole_dims = whole_dims;
    model_.ops.push_back(std::move(added));
  }

  void plan_bodies(ModelOp& op) {
    for (Form& form : op.forms) {
      std::vector<std::shared_ptr<const BodyPlan>>& plans = op.bodies.emplace_back();
      for (const BodyLinks& links : body_links(graph_, op.id))
        plans.push_back(bodies_.plan(graph_.body(links.body), body_io(links, form)));
      form.cost += bytes_in_bodies(graph_, op.id, form, bodies_);
    }
  }

  // Starts, paddings and axes are given per dim, so a dim must be one axis of the tensor.
  static bool counts_along_dims(const Op& op, OpAxes::Kind kind) {
    switch (op.def->axes) {
      case AxisRule::kElementwise:
      case AxisRule::kExpand:
      case AxisRule::kReduce:
      case AxisRule::kContract:
        return false;
      case AxisRule::kAlong:
      case AxisRule::kWindowed:
      case AxisRule::kPermute:
      case AxisRule::kReshape:
      case AxisRule::kAnchored:
        return true;
      case AxisRule::kOpaque:  // unless the op knows more of itself
        return kind == OpAxes::Kind::kOpaque;
    }
    internal_error("unknown axis rule");
  }

  Form logical_form(const Op& op) const {
    Form form;
    for (const ValueId value : op.operands) {
      form.operands.push_back({all_dims(value.valid() ? rank(value) : 0)});
    }
    for (const ValueId value : op.results) form.results.push_back({all_dims(rank(value))});
    return form;
  }

  ModelTensor make_tensor(ValueId value, AxisList axes) {
    ModelTensor tensor;
    tensor.value = value;
    tensor.axes = std::move(axes);
    if (!value.valid() || is_too_wide(value)) return tensor;
    tensor.axes.resize(rank(value), -1);
    const ValueFactors& factors = model_.factors.of[value];
    for (const uint8_t factor : model_.factors.views[value].factors) {
      tensor.memory_factors.push_back(factor);
    }
    for (size_t d = 0; d < rank(value); ++d) {
      for (int k = factors.first[d]; k < factors.first[d + 1]; ++k) {
        tensor.factor_dims.push_back(static_cast<uint8_t>(d));
      }
    }
    if (!memory_of(value).constant) tensor.memory = model_.memory_of[value];
    return tensor;
  }

  // An axis has one unit per factor if all tensors that have it agree on its factors and positions
  // do not matter, otherwise one for the whole.
  void add_units(ModelOp& op) {
    for (ModelTensor& tensor : op.tensors) {
      for (int& axis : tensor.axes) {
        if (axis >= 0) continue;
        axis = static_cast<int>(op.axes.size());
        op.axes.push_back({.positional = true});
      }
    }
    SmallVector<std::span<const Dim>, 8> factors(op.axes.size());
    SmallVector<bool, 8> whole(op.axes.size());
    for (size_t a = 0; a < whole.size(); ++a) whole[a] = op.axes[a].positional;
    for_each_dim(op, [&](size_t axis, std::span<const Dim> extents) {
      if (extents.empty()) return;
      const bool differs = !factors[axis].empty() && !std::ranges::equal(factors[axis], extents);
      if (differs) whole[axis] = true;
      factors[axis] = extents;
    });
    SmallVector<uint8_t, 8> first_unit(op.axes.size());
    for (size_t a = 0; a < op.axes.size(); ++a) {
      first_unit[a] = static_cast<uint8_t>(op.unit_axes.size());
      const size_t count = whole[a] ? std::min<size_t>(1, factors[a].size()) : factors[a].size();
      op.unit_axes.insert(op.unit_axes.end(), count, static_cast<int>(a));
    }
    check(op.unit_axes.size() < 256, "layout: too many axes in one op");
    for (ModelTensor& tensor : op.tensors) {
      int previous_dim = -1;
      uint8_t within = 0;
      for (const int dim : tensor.factor_dims) {
        within = dim == previous_dim ? static_cast<uint8_t>(within + 1) : uint8_t{0};
        previous_dim = dim;
        const size_t axis = static_cast<size_t>(tensor.axes[static_cast<size_t>(dim)]);
        const uint8_t offset = whole[axis] ? uint8_t{0} : within;
        const uint8_t unit = static_cast<uint8_t>(first_unit[axis] + offset);
        const uint8_t factor = tensor.memory_factors[tensor.units.size()];
        tensor.units.push_back(unit);
        tensor.unit_of_memory_factor[factor] = unit;
        if (!tensor.logical.contains(unit)) tensor.logical.push_back(unit);
      }
    }
  }

  template <typename Visit>
  void for_each_dim(const ModelOp& op, Visit visit) const {
    for (const ModelTensor& tensor : op.tensors) {
      if (tensor.factor_dims.empty()) continue;
      const ValueFactors& of = model_.factors.of[tensor.value];
      for (size_t d = 0; d < tensor.axes.size(); ++d) {
        const size_t begin = static_cast<size_t>(of.first[d]);
        const size_t end = static_cast<size_t>(of.first[d + 1]);
        visit(static_cast<size_t>(tensor.axes[d]),
              std::span(of.extents).subspan(begin, end - begin));
      }
    }
  }

  void pin(ValueId value, std::span<const int> dims) {
    Memory& memory = memory_of(value);
    if (memory.constant) return;
    const int label = add_label(memory, order_of_dims(model_, value, dims));
    memory.pinned |= LabelMask{1} << label;
    memory.available |= LabelMask{1} << label;
  }

  void pin(ValueId value, const std::vector<IoLayout>& layouts, size_t i) {
    const IoLayout wanted = i < layouts.size() ? layouts[i] : IoLayout();
    if (wanted.kind == IoLayout::Kind::kAny) {
      Memory& memory = memory_of(value);
      if (memory.constant) return;
      // At least this order is possible; others are listed when they are known.
      add_label(memory, order_of_dims(model_, value, all_dims(rank(value))));
      model_.released.push_back({value, {}});
      return;
    }
    const bool listed = wanted.kind == IoLayout::Kind::kOrder;
    if (listed) return pin(value, std::span(wanted.order));
    pin(value, all_dims(rank(value)));
  }

  void pin_boundary(const IoLayouts& io) {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) pin(graph_.inputs()[i], io.inputs, i);
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      pin(graph_.outputs()[i].value, io.outputs, i);
    }
    for (size_t v = 0; v < graph_.num_value_ids(); ++v) {
      const ValueId value{v};
      if (graph_.value(value).kind == ValueKind::kState) pin(value, all_dims(rank(value)));
    }
    for (const StateUpdate& update : graph_.state_updates()) {
      pin(update.value, all_dims(rank(update.value)));
    }
  }

  const Graph& graph_;
  const TargetContract& contract_;
  BodyPlanner& bodies_;
  Model model_;
};

}  // namespace

const TensorDemand& ModelOp::demand(size_t form, size_t tensor) const {
  static const TensorDemand kNone{};
  const std::vector<TensorDemand>& list =
      tensor < num_operands ? forms[form].operands : forms[form].results;
  const size_t index = tensor < num_operands ? tensor : tensor - num_operands;
  return index < list.size() ? list[index] : kNone;
}

Model build_model(const Graph& graph, const TargetContract& contract, const IoLayouts& io,
                  BodyPlanner& bodies) {
  return ModelBuilder(graph, contract, bodies).build(io);
}

int add_label(Memory& memory, const Order& order) {
  const auto known = std::find(memory.labels.begin(), memory.labels.end(), order);
  if (known != memory.labels.end()) return static_cast<int>(known - memory.labels.begin());
  check(memory.labels.size() < kMaxLabels, "layout: too many orders of one tensor");
  memory.labels.push_back(order);
  return static_cast<int>(memory.labels.size()) - 1;
}

Order order_of_dims(const Model& model, ValueId value, std::span<const int> dims) {
  const ValueFactors& factors = model.factors.of[value];
  const FactorList& root_factors = model.factors.views[value].factors;
  Order order;
  if (factors.size() > Order::kCapacity) return order;
  for (const int d : dims) {
    const size_t dim = static_cast<size_t>(d);
    for (int k = factors.first[dim]; k < factors.first[dim + 1]; ++k) {
      order.push_back(root_factors[static_cast<size_t>(k)]);
    }
  }
  return order;
}

Order units_in_label(const ModelTensor& tensor, const Order& label) {
  Order units;
  for (const uint8_t factor : label) {
    const uint8_t unit = tensor.unit_of_memory_factor[factor];
    if (!units.contains(unit)) units.push_back(unit);
  }
  return units;
}

Order label_of_units(const ModelTensor& tensor, const Order& units) {
  Order label;
  for (const uint8_t unit : units) {
    for (size_t k = 0; k < tensor.units.size(); ++k) {
      if (tensor.units[k] == unit) label.push_back(tensor.memory_factors[k]);
    }
  }
  return label;
}

int64_t estimated_bytes(const Graph& graph, ValueId value) {
  int64_t bytes = byte_size(graph.type(value).dtype);
  for (const Dim& dim : graph.type(value).dims) {
    const int64_t size = graph.symbols().hint(dim, kAssumedSize);
    if (size <= 0) return 0;
    bytes = bytes > kMaxBytes / size ? kMaxBytes : bytes * size;
  }
  return bytes;
}

}  // namespace ferryman::layout
