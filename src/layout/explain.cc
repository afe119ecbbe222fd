#include "layout/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <utility>

#include "layout/labels.h"
#include "layout/planning.h"
#include "ops/foreign/foreign.h"
#include "support/small_vector.h"

namespace ferryman::layout {

namespace {

constexpr size_t kMaxVisited = 256;  // memories on the way to the anchors of one copy

// Memory in one of its orders.
struct Copy {
  int memory;
  int label;
  auto operator<=>(const Copy&) const = default;
};

class Explainer {
 public:
  Explainer(const Graph& graph, const IoLayouts& io, const Planning& planning,
            const LayoutPlan& plan)
      : graph_(graph), io_(io), planning_(planning), plan_(plan) {
    users_.resize(planning_.model.memories.size());
    for (size_t o = 0; o < planning_.model.ops.size(); ++o) {
      for (const ModelTensor& tensor : planning_.model.ops[o].tensors) {
        if (tensor.memory < 0) continue;
        auto& list = users_[static_cast<size_t>(tensor.memory)];
        if (list.empty() || list.back() != o) list.push_back(o);
      }
    }
  }

  std::vector<CopyExplanation> run() {
    std::vector<CopyExplanation> explanations;
    for (const LayoutCopy& copy : plan_.copies) {
      CopyExplanation explanation{.copy = copy, .from_side = {}, .to_side = {}, .releases = {}};
      explanation.from_side = anchors_of(start(copy, copy.from));
      explanation.to_side = anchors_of(start(copy, copy.to));
      explanation.releases = find_releases(explanation);
      explanations.push_back(std::move(explanation));
    }
    return explanations;
  }

 private:
  Copy start(const LayoutCopy& copy, const Layout& layout) const {
    const int memory = planning_.model.memory_of[copy.value];
    Order order;
    for (const uint8_t factor : plan_.memory_order(copy.value, layout).factors) {
      order.push_back(factor);
    }
    const auto& labels = planning_.model.memories[static_cast<size_t>(memory)].labels;
    const auto at = std::find(labels.begin(), labels.end(), order);
    return {memory, static_cast<int>(at - labels.begin())};
  }

  // The nearest anchors that hold this memory in this order, through ops that only pass it on. What
  // a branch or loop passes on has no part in the order of all else that it takes and gives.
  std::vector<Anchor> anchors_of(Copy first) const {
    std::vector<Anchor> anchors;
    std::set<Copy> seen{first};
    std::vector<Copy> queue{first};
    const auto goes_on = [&](size_t next) {
      return next < std::min(queue.size(), kMaxVisited) && anchors.size() < kMaxAnchors;
    };
    for (size_t next = 0; goes_on(next); ++next) {
      const Copy at = queue[next];
      append_boundary(at, anchors);
      for (const size_t o : users_[static_cast<size_t>(at.memory)]) {
        if (!uses(o, at)) continue;
        const ModelOp& op = planning_.model.ops[o];
        if (op.modes.size() == 1 || !bodies_of(graph_.op(op.id)).empty()) {
          const Anchor anchor{.kind = Anchor::Kind::kOp, .op = op.id};
          if (std::find(anchors.begin(), anchors.end(), anchor) == anchors.end()) {
            anchors.push_back(anchor);
          }
          continue;
        }
        const ModelMode& mode = planning_.chosen_mode(o);
        for (size_t t = 0; t < op.tensors.size(); ++t) {
          const Copy other{op.tensors[t].memory, mode.labels[t]};
          if (other.memory < 0 || !has_choice(other.memory)) continue;
          if (seen.insert(other).second) queue.push_back(other);
        }
      }
    }
    if (anchors.size() > kMaxAnchors) anchors.resize(kMaxAnchors);
    return anchors;
  }

  // What has one order in any case, a number or a line, is no reason for that of anything.
  bool has_choice(int memory) const {
    return planning_.model.memories[static_cast<size_t>(memory)].labels.size() > 1;
  }

  bool uses(size_t o, const Copy& at) const {
    const ModelOp& op = planning_.model.ops[o];
    const ModelMode& mode = planning_.chosen_mode(o);
    for (size_t t = 0; t < op.tensors.size(); ++t) {
      if (op.tensors[t].memory == at.memory && mode.labels[t] == at.label) return true;
    }
    return false;
  }

  // Inputs, outputs and state that are this memory in this order.
  void append_boundary(const Copy& at, std::vector<Anchor>& anchors) const {
    const Model& model = planning_.model;
    const Order& order =
        model.memories[static_cast<size_t>(at.memory)].labels[static_cast<size_t>(at.label)];
    const auto is_here = [&](ValueId value, const std::vector<IoLayout>& layouts, size_t i) {
      const IoLayout wanted = i < layouts.size() ? layouts[i] : IoLayout();
      if (model.memory_of[value] != at.memory || wanted.kind == IoLayout::Kind::kAny) return false;
      std::vector<int> dims = wanted.order;
      if (wanted.kind == IoLayout::Kind::kLogical) {
        dims.clear();
        for (size_t d = 0; d < graph_.type(value).rank(); ++d) dims.push_back(static_cast<int>(d));
      }
      return order_of_dims(model, value, dims) == order;
    };
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      if (is_here(graph_.inputs()[i], io_.inputs, i)) {
        anchors.push_back({.kind = Anchor::Kind::kInput, .op = {}, .index = i});
      }
    }
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      if (is_here(graph_.outputs()[i].value, io_.outputs, i)) {
        anchors.push_back({.kind = Anchor::Kind::kOutput, .op = {}, .index = i});
      }
    }
    for (const StateUpdate& update : graph_.state_updates()) {
      for (const ValueId value : {update.state, update.value}) {
        if (is_here(value, {}, 0)) anchors.push_back({.kind = Anchor::Kind::kState, .op = {}});
      }
    }
  }

  std::vector<Anchor> find_releases(const CopyExplanation& explanation) {
    std::vector<Anchor> releases;
    for (const auto* side : {&explanation.from_side, &explanation.to_side}) {
      for (const Anchor& anchor : *side) {
        const bool at_boundary =
            anchor.kind == Anchor::Kind::kInput || anchor.kind == Anchor::Kind::kOutput;
        if (!at_boundary) continue;
        const Released* released = planned_without(anchor);
        if (released == nullptr) continue;
        const int memory = planning_.model.memory_of[explanation.copy.value];
        const bool gone = std::popcount(released->used[static_cast<size_t>(memory)]) <= 1;
        const bool saves = released->bytes_moved < planning_.solution.cost.bytes;
        if (gone && saves) releases.push_back(anchor);
      }
    }
    return releases;
  }

  // What is moved without this anchor. The same few ends of the graph stand behind many copies.
  struct Released {
    int64_t bytes_moved = 0;
    std::vector<LabelMask> used;  // per memory
  };

  // A problem that was too hard to be solved exactly stays too hard, and hints would be guesses.
  const Released* planned_without(const Anchor& anchor) {
    if (!planning_.solution.proven) return nullptr;
    const std::pair key(anchor.kind, anchor.index);
    if (const auto known = released_.find(key); known != released_.end()) return &known->second;
    const size_t ops_so_far = released_.size() * planning_.model.ops.size();
    if (released_.size() >= kMaxReplans || ops_so_far > kMaxReplannedOps) return nullptr;
    return &(released_[key] = solved_without(anchor));
  }

  // The same problem, but the anchor takes any order that leaves its dims whole.
  Released solved_without(const Anchor& anchor) const {
    const ValueId value = anchor.kind == Anchor::Kind::kInput
                              ? graph_.inputs()[anchor.index]
                              : graph_.outputs()[anchor.index].value;
    const int m = planning_.model.memory_of[value];
    const Memory& memory = planning_.model.memories[static_cast<size_t>(m)];
    Problem problem = planning_.problem;
    LabelMask& fixed = problem.values[static_cast<size_t>(m)].fixed;
    const int port = problem.add_op({m});
    for (int label = 0; label < static_cast<int>(memory.labels.size()); ++label) {
      const LabelMask bit = LabelMask{1} << label;
      std::vector<Anchor> holders;
      append_boundary({m, label}, holders);
      if (holders == std::vector<Anchor>{anchor}) fixed &= ~bit;
      const bool is_open = (memory.available & bit) != 0;
      const bool is_whole =
          keeps_dims(planning_.model, value, memory.labels[static_cast<size_t>(label)]);
      if (is_open && is_whole) problem.add_mode(port, {label}, 0);
    }
    const Solution solution = solve(problem);
    return {.bytes_moved = solution.cost.bytes, .used = labels_in_use(problem, solution.modes)};
  }

  const Graph& graph_;
  const IoLayouts& io_;
  const Planning& planning_;
  const LayoutPlan& plan_;
  std::vector<SmallVector<size_t, 4>> users_;  // per memory, the ops
  std::map<std::pair<Anchor::Kind, size_t>, Released> released_;
};

class Wording {
 public:
  Wording(const Graph& graph, const EndNames& names) : graph_(graph), names_(names) {}

  std::string side(const std::vector<Anchor>& anchors) const {
    return anchors.empty() ? "other operators" : enumerate(anchors, " and ");
  }

  std::string releases(const std::vector<Anchor>& anchors) const {
    return "with another layout of " + enumerate(anchors, " or ") + " there would be none";
  }

 private:
  // What reads the same is named once: parts of one module, an end on both sides of a copy.
  std::string enumerate(const std::vector<Anchor>& anchors, std::string_view last) const {
    std::vector<std::string> words;
    for (const Anchor& each : anchors) {
      std::string word = anchor(each);
      if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    }
    std::string text;
    for (size_t i = 0; i < words.size(); ++i) {
      if (i > 0) text += i + 1 == words.size() ? last : ", ";
      text += words[i];
    }
    return text;
  }

  std::string anchor(const Anchor& anchor) const {
    switch (anchor.kind) {
      case Anchor::Kind::kOp: {
        const std::string& path = graph_.location(anchor.op).module_path;
        const std::string name = title_of(graph_.op(anchor.op));
        return path.empty() ? fmt::format("the {}", name) : fmt::format("{} ({})", path, name);
      }
      case Anchor::Kind::kInput:
        return fmt::format("input '{}'", names_.inputs.empty()
                                             ? graph_.value(graph_.inputs()[anchor.index]).name
                                             : names_.inputs[anchor.index]);
      case Anchor::Kind::kOutput:
        return fmt::format("output '{}'", names_.outputs.empty()
                                              ? graph_.outputs()[anchor.index].name
                                              : names_.outputs[anchor.index]);
      case Anchor::Kind::kState:
        return "a state";
    }
    internal_error("unknown kind of anchor");
  }

  const Graph& graph_;
  const EndNames& names_;
};

}  // namespace

std::vector<CopyExplanation> explain_copies(const Graph& graph, const IoLayouts& io,
                                            const Planning& planning, const LayoutPlan& plan) {
  return Explainer(graph, io, planning, plan).run();
}

std::string describe(const Graph& graph, const CopyExplanation& explanation,
                     const EndNames& names) {
  const SymbolTable& symbols = graph.symbols();
  const auto shape = [&](const Layout& layout) {
    std::string text;
    for (const Dim& dim : layout.shape()) text += (text.empty() ? "" : ", ") + symbols.print(dim);
    return "[" + text + "]";
  };
  const Wording wording(graph, names);
  std::string text = fmt::format("{} for {}, {} for {}", shape(explanation.copy.from),
                                 wording.side(explanation.from_side), shape(explanation.copy.to),
                                 wording.side(explanation.to_side));
  if (!explanation.releases.empty()) text += "; " + wording.releases(explanation.releases);
  return text;
}

}  // namespace ferryman::layout
