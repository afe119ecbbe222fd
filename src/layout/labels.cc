#include "layout/labels.h"

#include <algorithm>
#include <numeric>

namespace ferryman::layout {

namespace {

class LabelFinder {
 public:
  explicit LabelFinder(Model& model) : model_(model), readers_(model.memories.size()) {
    for (size_t o = 0; o < model_.ops.size(); ++o) {
      for (const ModelTensor& tensor : model_.ops[o].tensors) {
        if (tensor.memory < 0) continue;
        auto& list = readers_[static_cast<size_t>(tensor.memory)];
        if (list.empty() || list.back() != o) list.push_back(o);
      }
    }
    queued_.resize(model_.ops.size());
    for (const Memory& memory : model_.memories) given_.push_back(memory.available);
  }

  void run() {
    // Orders that are fixed in full come first: they reach furthest. Then demands like "this axis
    // innermost", which need some order to start from; then what nobody asked for.
    for (size_t o = 0; o < model_.ops.size(); ++o) {
      seed(model_.ops[o], Demands::kWhole);
      enqueue(o);
    }
    carry_on();
    for (size_t o = 0; o < model_.ops.size(); ++o) {
      seed(model_.ops[o], Demands::kAny);
    }
    carry_on();
    for (size_t m = 0; m < model_.memories.size(); ++m) {
      if (model_.memories[m].available == 0) make_available(static_cast<int>(m), 0, Origin::kGiven);
      carry_on();
    }
    for (ReleasedPort& port : model_.released) list_labels(port);
  }

 private:
  enum class Demands : uint8_t { kWhole, kAny };
  // A woven order is one of several that meet a demand on fewer axes. It is carried on, but not
  // woven with others again, which would sooner or later give all permutations.
  enum class Origin : uint8_t { kGiven, kWoven };

  Memory& memory(const ModelTensor& tensor) {
    return model_.memories[static_cast<size_t>(tensor.memory)];
  }

  void enqueue(size_t o) {
    if (queued_[o]) return;
    queued_[o] = true;
    queue_.push_back(o);
  }

  void carry_on() {
    while (next_ < queue_.size()) {
      const size_t o = queue_[next_++];
      queued_[o] = false;
      carry_through(model_.ops[o]);
    }
  }

  void make_available(int m, int label, Origin origin) {
    Memory& changed = model_.memories[static_cast<size_t>(m)];
    const LabelMask bit = LabelMask{1} << label;
    LabelMask& given = given_[static_cast<size_t>(m)];
    if ((changed.available & bit) != 0 && (origin == Origin::kWoven || (given & bit) != 0)) return;
    changed.available |= bit;
    if (origin == Origin::kGiven) given |= bit;
    for (const size_t reader : readers_[static_cast<size_t>(m)]) enqueue(reader);
  }

  void add(const ModelTensor& tensor, const Order& units, Origin origin) {
    Memory& target = memory(tensor);
    const Order label = label_of_units(tensor, units);
    const bool known =
        std::find(target.labels.begin(), target.labels.end(), label) != target.labels.end();
    if (!known && target.labels.size() >= kMaxCandidates) {
      model_.complete = false;
      return;
    }
    make_available(tensor.memory, add_label(target, label), origin);
  }

  // Candidates that keep the dims of the value whole and in order inside; if there is none, its
  // logical order becomes one.
  void list_labels(ReleasedPort& port) {
    const int m = model_.memory_of[port.value];
    Memory& of = model_.memories[static_cast<size_t>(m)];
    for (size_t label = 0; label < of.labels.size(); ++label) {
      const bool available = (of.available >> label & 1) != 0;
      if (available && keeps_dims(model_, port.value, of.labels[label])) {
        port.labels.push_back(static_cast<int>(label));
      }
    }
    if (!port.labels.empty()) return;
    std::vector<int> dims(model_.factors.of[port.value].first.size() - 1);
    std::iota(dims.begin(), dims.end(), 0);
    port.labels.push_back(add_label(of, order_of_dims(model_, port.value, dims)));
    of.available |= LabelMask{1} << port.labels.front();
  }

  void seed(const ModelOp& op, Demands demands) {
    for (size_t f = 0; f < op.forms.size(); ++f) {
      for (size_t t = 0; t < op.tensors.size(); ++t) {
        const ModelTensor& tensor = op.tensors[t];
        const TensorDemand& demand = op.demand(f, t);
        if (tensor.memory < 0 || demand.innermost.empty()) continue;
        const bool whole = demand.innermost.size() == tensor.axes.size();
        if (!whole && (demands == Demands::kWhole || memory(tensor).available != 0)) continue;
        add(tensor, meet_demand(tensor, demand, tensor.logical), Origin::kGiven);
      }
    }
  }

  void carry_through(const ModelOp& op) {
    for (size_t t = 0; t < op.tensors.size(); ++t) {
      const ModelTensor& tensor = op.tensors[t];
      if (tensor.memory < 0) continue;
      // The list may grow meanwhile: new labels queue the op again.
      const LabelMask available = memory(tensor).available;
      for (size_t label = 0; label < memory(tensor).labels.size(); ++label) {
        if ((available >> label & 1) == 0) continue;
        const Order units = units_in_label(tensor, memory(tensor).labels[label]);
        const bool is_given = (given_[static_cast<size_t>(tensor.memory)] >> label & 1) != 0;
        const Origin origin = is_given ? Origin::kGiven : Origin::kWoven;
        for (size_t f = 0; f < op.forms.size(); ++f) {
          const Order met = meet_demand(tensor, op.demand(f, t), units);
          add(tensor, met, origin);
          for (size_t other = 0; other < op.tensors.size(); ++other) {
            if (other != t) carry_to(op.tensors[other], op.demand(f, other), met, origin);
          }
        }
      }
    }
  }

  void carry_to(const ModelTensor& tensor, const TensorDemand& demand, const Order& units,
                Origin origin) {
    if (tensor.memory < 0) return;
    const Order shared = shared_units(tensor, units);
    if (shared.empty()) return;
    if (shared.size() == tensor.logical.size()) {
      add(tensor, meet_demand(tensor, demand, shared), origin);
      return;
    }
    // The tensor has more units: the demanded order says nothing about them, so every order that
    // the tensor may have anyway is adapted.
    const size_t num_labels = memory(tensor).labels.size();
    const LabelMask given = given_[static_cast<size_t>(tensor.memory)];
    for (size_t label = 0; label < num_labels; ++label) {
      if (label > 0 && (given >> label & 1) == 0) continue;
      const Order base = units_in_label(tensor, memory(tensor).labels[label]);
      add(tensor, meet_demand(tensor, demand, weave(shared, base)), Origin::kWoven);
    }
  }

  Model& model_;
  std::vector<LabelMask> given_;                 // per memory, labels that are not woven
  std::vector<SmallVector<size_t, 4>> readers_;  // per memory, the ops that touch it
  std::vector<size_t> queue_;
  std::vector<bool> queued_;
  size_t next_ = 0;
};

}  // namespace

bool keeps_dims(const Model& model, ValueId value, const Order& label) {
  const ValueFactors& factors = model.factors.of[value];
  const FactorList& root_factors = model.factors.views[value].factors;
  for (size_t k = 1; k < root_factors.size() && !label.empty(); ++k) {
    if (factors.dim_of(k) != factors.dim_of(k - 1)) continue;
    if (label.index_of(root_factors[k]) != label.index_of(root_factors[k - 1]) + 1) return false;
  }
  return true;
}

Order meet_demand(const ModelTensor& tensor, const TensorDemand& demand, const Order& units) {
  if (demand.innermost.empty() && !tensor.whole_dims) return units;
  const auto dim_of_unit = [&](uint8_t unit) {
    for (size_t k = 0; k < tensor.units.size(); ++k) {
      if (tensor.units[k] == unit) return int{tensor.factor_dims[k]};
    }
    return -1;
  };
  Order met;
  const auto append_dim = [&](int dim) {
    for (const uint8_t unit : units) {
      if (dim_of_unit(unit) == dim) met.push_back(unit);
    }
  };
  const auto& inner = demand.innermost;
  for (const uint8_t unit : units) {
    const int dim = dim_of_unit(unit);
    if (met.contains(unit) || std::find(inner.begin(), inner.end(), dim) != inner.end()) continue;
    if (tensor.whole_dims) {
      append_dim(dim);
    } else {
      met.push_back(unit);
    }
  }
  for (const int dim : inner) append_dim(dim);
  return met;
}

Order shared_units(const ModelTensor& tensor, const Order& wanted) {
  Order shared;
  for (const uint8_t unit : wanted) {
    if (tensor.has_unit(unit)) shared.push_back(unit);
  }
  return shared;
}

Order weave(const Order& wanted, const Order& base) {
  Order woven = wanted;
  for (size_t i = 0; i < base.size(); ++i) {
    if (woven.contains(base[i])) continue;
    woven.insert(i == 0 ? 0 : woven.index_of(base[i - 1]) + 1, base[i]);
  }
  return woven;
}

void find_labels(Model& model) {
  LabelFinder(model).run();
}

}  // namespace ferryman::layout
