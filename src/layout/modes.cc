#include "layout/modes.h"

#include <algorithm>
#include <numeric>

#include "layout/copy_steps.h"
#include "layout/labels.h"

namespace ferryman::layout {

namespace {

// One order that a tensor may take in some form.
struct Candidate {
  int label = -1;
  Order units;
};
using Candidates = SmallVector<Candidate, 4>;

// Both orders show the units that they share in the same sequence.
bool agree(const Order& a, const Order& b) {
  size_t next = 0;
  for (const uint8_t unit : a) {
    const size_t at = b.index_of(unit);
    if (at == b.size()) continue;
    if (at < next) return false;
    next = at;
  }
  return true;
}

// The largest first, equal ones as they stand.
template <typename SizeOf>
void sort_by_size(SmallVector<size_t, 8>& numbers, SizeOf size_of) {
  std::sort(numbers.begin(), numbers.end(), [&](size_t a, size_t b) {
    return size_of(a) != size_of(b) ? size_of(a) > size_of(b) : a < b;
  });
}

class ModeLister {
 public:
  ModeLister(Model& model, size_t max_modes) : model_(model), max_modes_(max_modes) {}

  void run(ModelOp& op) {
    op_ = &op;
    // Tensors with many units first: they decide most.
    turn_.resize(op_->tensors.size());
    std::iota(turn_.begin(), turn_.end(), size_t{0});
    sort_by_size(turn_, [&](size_t t) { return op_->tensors[t].logical.size(); });
    for (form_ = 0; form_ < op_->forms.size(); ++form_) {
      list_candidates();
      chosen_.assign(op_->tensors.size(), nullptr);
      choose(0);
    }
    if (op_->modes.empty()) add_fallback();
  }

 private:
  Memory& memory(const ModelTensor& tensor) {
    return model_.memories[static_cast<size_t>(tensor.memory)];
  }

  void list_candidates() {
    candidates_.resize(op_->tensors.size());
    for (Candidates& list : candidates_) list.clear();
    for (size_t t = 0; t < op_->tensors.size(); ++t) {
      const ModelTensor& tensor = op_->tensors[t];
      if (tensor.memory < 0) {
        candidates_[t].push_back({});
        continue;
      }
      const Memory& of = memory(tensor);
      for (size_t label = 0; label < of.labels.size(); ++label) {
        if ((of.available >> label & 1) == 0) continue;
        const Order units = units_in_label(tensor, of.labels[label]);
        const bool fits = label_of_units(tensor, units) == of.labels[label] &&
                          meet_demand(tensor, op_->demand(form_, t), units) == units;
        if (fits) candidates_[t].push_back({static_cast<int>(label), units});
      }
    }
  }

  void choose(size_t depth) {
    if (op_->modes.size() >= max_modes_) {
      model_.complete = false;
      return;
    }
    if (depth == turn_.size()) {
      if (fits_rank()) add_mode();
      return;
    }
    const size_t t = turn_[depth];
    for (const Candidate& candidate : candidates_[t]) {
      bool fits = true;
      for (size_t before = 0; before < depth && fits; ++before) {
        fits = agree(candidate.units, chosen_[turn_[before]]->units);
      }
      if (!fits) continue;
      chosen_[t] = &candidate;
      choose(depth + 1);
    }
  }

  // Physical axes that the kernel would see. Only split axes can exceed the logical rank.
  bool fits_rank() const {
    const int max_rank = op_->forms[form_].max_rank;
    if (max_rank == 0) return true;
    UnitOrders units_of;
    for (const Candidate* candidate : chosen_) units_of.push_back(candidate->units);
    const UnitRuns runs = unit_runs(*op_, common_order(*op_, units_of));
    for (size_t t = 0; t < op_->tensors.size(); ++t) {
      const ModelTensor& tensor = op_->tensors[t];
      const TensorDemand& demand = op_->demand(form_, t);
      size_t rank = demand.innermost.size();
      for (const UnitRun& run : runs) {
        const auto dim = std::find(tensor.axes.begin(), tensor.axes.end(), run.axis);
        if (dim == tensor.axes.end()) continue;
        const auto& inner = demand.innermost;
        const int number = static_cast<int>(dim - tensor.axes.begin());
        rank += std::find(inner.begin(), inner.end(), number) == inner.end() ? 1 : 0;
      }
      if (rank > static_cast<size_t>(max_rank) && rank > tensor.axes.size()) return false;
    }
    return true;
  }

  void add_mode() {
    ModelMode mode{.form = form_, .labels = {}};
    for (const Candidate* candidate : chosen_) mode.labels.push_back(candidate->label);
    for (ModelMode& known : op_->modes) {
      if (known.labels != mode.labels) continue;
      if (op_->forms[form_].cost < op_->forms[known.form].cost) known.form = form_;
      return;
    }
    op_->modes.push_back(std::move(mode));
  }

  // Candidates were dropped or do not fit together: the logical order, as the first form wants it.
  void add_fallback() {
    ModelMode mode{.form = 0, .labels = LabelList(op_->tensors.size(), -1)};
    Order common;
    for (const size_t t : turn_) {
      const ModelTensor& tensor = op_->tensors[t];
      if (tensor.memory < 0) continue;
      const Order shared = shared_units(tensor, common);
      const Order units = meet_demand(tensor, op_->demand(0, t), weave(shared, tensor.logical));
      Memory& of = memory(tensor);
      mode.labels[t] = add_label(of, label_of_units(tensor, units));
      of.available |= LabelMask{1} << mode.labels[t];
      common = weave(units, common);
    }
    op_->modes.push_back(std::move(mode));
  }

  Model& model_;
  ModelOp* op_ = nullptr;
  size_t max_modes_;
  SmallVector<size_t, 8> turn_;
  size_t form_ = 0;
  std::vector<Candidates> candidates_;  // per tensor
  SmallVector<const Candidate*, 8> chosen_;
};

}  // namespace

void list_modes(Model& model, size_t max_modes) {
  ModeLister lister(model, max_modes);
  for (ModelOp& op : model.ops) lister.run(op);
}

namespace {

// A copy moves runs of factors; it is slower if the innermost one does not stay where it is.
constexpr int32_t kInnermostMoves = 8;
// An activation that reads another order than its convolution wrote cannot be fused into it.
constexpr int32_t kKeepsFromFusing = 64;
// Where it does not matter, copies come late: pointwise ops stay in the order of the kernels.
constexpr int32_t kCopiesEarly = 1;
// A dim in pieces makes the tensor's rank higher than the user's.
constexpr int32_t kInPieces = 2;

bool is_in_pieces(const ModelTensor& tensor, const Order& label) {
  int runs = 0;
  int previous = -1;
  std::vector<bool> seen(tensor.axes.size(), false);
  int dims = 0;
  for (const uint8_t factor : label) {
    for (size_t k = 0; k < tensor.memory_factors.size(); ++k) {
      if (tensor.memory_factors[k] != factor) continue;
      const int dim = tensor.factor_dims[k];
      runs += dim != previous ? 1 : 0;
      previous = dim;
      dims += seen[static_cast<size_t>(dim)] ? 0 : 1;
      seen[static_cast<size_t>(dim)] = true;
    }
  }
  return runs > dims;
}

int32_t runs_of_copy(const Order& from, const Order& to) {
  int32_t runs = 1;
  for (size_t i = 1; i < to.size(); ++i) {
    runs += from.index_of(to[i]) == from.index_of(to[i - 1]) + 1 ? 0 : 1;
  }
  return runs;
}

int32_t awkwardness_of_copy(const Order& from, const Order& to) {
  if (from.empty()) return 0;
  const int32_t runs = runs_of_copy(from, to);
  const bool innermost_stays = from[from.size() - 1] == to[to.size() - 1];
  return runs + (innermost_stays ? 0 : kInnermostMoves);
}

ProblemValue value_of_memory(const Memory& memory) {
  ProblemValue value{.num_labels = static_cast<int>(memory.labels.size()),
                     .copy_cost = 2 * memory.bytes,
                     .fixed = memory.pinned};
  if (memory.labels.size() == 1) return value;
  const bool may_take_steps = memory.num_factors > kMaxCopyAxes;
  for (const Order& from : memory.labels) {
    for (const Order& to : memory.labels) {
      // The same both ways, since it is not known here which of them is made first.
      value.awkwardness.push_back(
          std::max(awkwardness_of_copy(from, to), awkwardness_of_copy(to, from)));
      if (!may_take_steps) continue;
      const size_t axes = static_cast<size_t>(runs_of_copy(from, to));
      value.steps.push_back(static_cast<uint8_t>(min_copy_steps(axes)));
    }
  }
  return value;
}

// The only label in which each memory can be made; -1 if there is a choice or no kernel makes it.
std::vector<int> labels_as_made(const Model& model) {
  std::vector<int> made(model.memories.size(), -1);
  for (const ModelOp& op : model.ops) {
    if (op.modes.size() != 1) continue;
    for (size_t t = op.num_operands; t < op.tensors.size(); ++t) {
      const int memory = op.tensors[t].memory;
      if (memory >= 0) made[static_cast<size_t>(memory)] = op.modes[0].labels[t];
    }
  }
  return made;
}

void add_op(const Model& model, const ModelOp& op, const std::vector<int>& made, Problem& problem) {
  const bool pointwise = std::all_of(op.axes.begin(), op.axes.end(),
                                     [](const OpAxis& axis) { return axis.broadcasts; });
  SmallVector<int, 4> values;
  for (const ModelTensor& tensor : op.tensors) {
    if (tensor.memory >= 0) values.push_back(tensor.memory);
  }
  const int index = problem.add_op(std::move(values));
  for (const ModelMode& mode : op.modes) {
    LabelList labels;
    const bool logical =
        std::all_of(mode.labels.begin(), mode.labels.end(), [](int label) { return label <= 0; });
    int32_t awkwardness = pointwise && logical ? kCopiesEarly : 0;
    for (size_t t = 0; t < op.tensors.size(); ++t) {
      if (mode.labels[t] < 0) continue;
      labels.push_back(mode.labels[t]);
      const Memory& of = model.memories[static_cast<size_t>(op.tensors[t].memory)];
      const Order& label = of.labels[static_cast<size_t>(mode.labels[t])];
      if (pointwise && is_in_pieces(op.tensors[t], label)) awkwardness += kInPieces;
      const int as_made = made[static_cast<size_t>(op.tensors[t].memory)];
      if (pointwise && t < op.num_operands && as_made >= 0 && as_made != mode.labels[t]) {
        awkwardness += kKeepsFromFusing;
      }
    }
    problem.add_mode(index, labels, op.forms[mode.form].cost, awkwardness);
  }
}

}  // namespace

Problem make_problem(const Model& model) {
  Problem problem;
  problem.values.reserve(model.memories.size());
  problem.ops.reserve(model.ops.size() + model.released.size());
  for (const Memory& memory : model.memories) problem.add_value(value_of_memory(memory));
  const std::vector<int> made = labels_as_made(model);
  for (const ModelOp& op : model.ops) add_op(model, op, made, problem);
  for (const ReleasedPort& port : model.released) {
    const int index = problem.add_op({model.memory_of[port.value]});
    for (const int label : port.labels) problem.add_mode(index, {label}, 0);
  }
  return problem;
}

Order common_order(const ModelOp& op, const UnitOrders& units_of) {
  SmallVector<size_t, 8> turn(op.tensors.size());
  std::iota(turn.begin(), turn.end(), size_t{0});
  sort_by_size(turn, [&](size_t t) { return units_of[t].size(); });
  Order common;
  for (const size_t t : turn) common = weave(common, units_of[t]);
  for (const ModelTensor& tensor : op.tensors) common = weave(common, tensor.logical);
  return common;
}

UnitRuns unit_runs(const ModelOp& op, const Order& common) {
  UnitRuns runs;
  for (const uint8_t unit : common) {
    const int axis = op.unit_axes[unit];
    if (runs.empty() || runs.back().axis != axis) runs.push_back({axis, {}});
    runs.back().units.push_back(unit);
  }
  return runs;
}

}  // namespace ferryman::layout
