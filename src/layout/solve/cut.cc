#include "layout/solve/cut.h"

#include <algorithm>
#include <bit>

#include "layout/solve/max_flow.h"

namespace ferryman::layout {

namespace {

constexpr LabelMask bit(int label) {
  return LabelMask{1} << label;
}

std::vector<std::vector<int>> ops_of_values(const Problem& problem) {
  std::vector<std::vector<int>> users(problem.values.size());
  for (size_t o = 0; o < problem.ops.size(); ++o) {
    for (const int v : problem.ops[o].values) {
      std::vector<int>& list = users[static_cast<size_t>(v)];
      if (list.empty() || list.back() != static_cast<int>(o)) list.push_back(static_cast<int>(o));
    }
  }
  return users;
}

// The cheapest mode that agrees with the labels chosen so far (-1 = open); -1 if there is none.
int fitting_mode(const ProblemOp& op, const std::vector<int>& labels) {
  int best = -1;
  for (int m = 0; m < op.num_modes(); ++m) {
    bool fits = true;
    for (size_t i = 0; i < op.values.size() && fits; ++i) {
      const int label = labels[static_cast<size_t>(op.values[i])];
      fits = label < 0 || label == op.label(m, i);
      // A value used twice must be used under one label.
      for (size_t j = 0; j < i && fits; ++j) {
        fits = op.values[j] != op.values[i] || op.label(m, j) == op.label(m, i);
      }
    }
    if (fits && (best < 0 || mode_cost(op, m) < mode_cost(op, best))) best = m;
  }
  return best;
}

Proposal propose(const Problem& problem, const std::vector<std::vector<int>>& users, int value,
                 int label) {
  Proposal proposal{.labels = std::vector<int>(problem.values.size(), -1),
                    .modes = Assignment(problem.ops.size(), -1)};
  std::vector<bool> visited(problem.ops.size(), false);
  proposal.labels[static_cast<size_t>(value)] = label;
  std::vector<int> queue{value};
  for (size_t next = 0; next < queue.size(); ++next) {
    for (const int o : users[static_cast<size_t>(queue[next])]) {
      if (visited[static_cast<size_t>(o)]) continue;
      visited[static_cast<size_t>(o)] = true;
      const ProblemOp& op = problem.ops[static_cast<size_t>(o)];
      const int mode = fitting_mode(op, proposal.labels);
      proposal.modes[static_cast<size_t>(o)] = mode;
      if (mode < 0) continue;
      for (size_t i = 0; i < op.values.size(); ++i) {
        int& other = proposal.labels[static_cast<size_t>(op.values[i])];
        if (other < 0) queue.push_back(op.values[i]);
        other = op.label(mode, i);
      }
    }
  }
  return proposal;
}

// What one value contributes to a fusion: who uses each label when keeping, who when moving.
struct ValueUses {
  LabelMask always = 0;                      // in use whatever is chosen
  std::vector<std::pair<int, int>> keeping;  // (label, op), sorted
  std::vector<std::pair<int, int>> moving;
};

void sort_unique(std::vector<std::pair<int, int>>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

LabelMask labels_in(const std::vector<std::pair<int, int>>& list) {
  LabelMask mask = 0;
  for (const auto& [label, op] : list) mask |= bit(label);
  return mask;
}

std::vector<ValueUses> collect_uses(const Problem& problem, const Assignment& current,
                                    const Assignment& proposed) {
  std::vector<ValueUses> uses(problem.values.size());
  for (size_t v = 0; v < uses.size(); ++v) uses[v].always = problem.values[v].fixed;
  for (size_t o = 0; o < problem.ops.size(); ++o) {
    const ProblemOp& op = problem.ops[o];
    for (size_t i = 0; i < op.values.size(); ++i) {
      ValueUses& use = uses[static_cast<size_t>(op.values[i])];
      const int keep = op.label(current[o], i);
      const int move = proposed[o] < 0 ? keep : op.label(proposed[o], i);
      if (keep == move) {
        use.always |= bit(keep);
      } else {
        use.keeping.push_back({keep, static_cast<int>(o)});
        use.moving.push_back({move, static_cast<int>(o)});
      }
    }
  }
  for (ValueUses& use : uses) {
    sort_unique(use.keeping);
    sort_unique(use.moving);
    // An op that uses a label both ways uses it always.
    for (const auto& pair : use.keeping) {
      if (std::binary_search(use.moving.begin(), use.moving.end(), pair)) {
        use.always |= bit(pair.first);
      }
    }
  }
  return uses;
}

// Source side = keep, sink side = move.
class FusionCut {
 public:
  FusionCut(const Problem& problem, const Assignment& current, const Assignment& proposed)
      : problem_(problem), current_(current), proposed_(proposed) {}

  Fusion run() {
    for (size_t o = 0; o < problem_.ops.size(); ++o) add_op(o);
    const std::vector<ValueUses> uses = collect_uses(problem_, current_, proposed_);
    for (size_t v = 0; v < uses.size(); ++v) add_value(problem_.values[v], uses[v]);
    network_.run();
    Fusion fusion{.modes = current_, .exactness = exactness_};
    for (size_t o = 0; o < problem_.ops.size(); ++o) {
      if (proposed_[o] >= 0 && !network_.on_source_side(nodes_[o])) fusion.modes[o] = proposed_[o];
    }
    return fusion;
  }

 private:
  void add_op(size_t o) {
    nodes_.push_back(network_.add_node());
    if (proposed_[o] < 0) return;
    const Cost keep = mode_cost(problem_.ops[o], current_[o]);
    const Cost move = mode_cost(problem_.ops[o], proposed_[o]);
    if (keep > move) network_.add_arc(nodes_[o], MaxFlow::kSink, keep - move);
    if (move > keep) network_.add_arc(MaxFlow::kSource, nodes_[o], move - keep);
  }

  void add_value(const ProblemValue& value, ValueUses use) {
    // A label that some ops keep and others move to would not be a cut; charging it always is an
    // overestimate. Uniform proposals never get here.
    const LabelMask mixed = labels_in(use.keeping) & labels_in(use.moving) & ~use.always;
    if (mixed != 0) exactness_ = Exactness::kOverestimated;
    use.always |= mixed;
    if (!value.steps.empty()) exactness_ = Exactness::kOverestimated;
    Cost price{.bytes = value.copy_cost, .copies = 1};
    const LabelMask kept = labels_in(use.keeping) & ~use.always;
    const LabelMask moved = labels_in(use.moving) & ~use.always;
    // Between two labels it is known what a copy is like; with more, it depends on the others.
    const LabelMask all = use.always | kept | moved;
    if (std::popcount(all) == 2) {
      price.awkwardness = value.awkwardness_between(std::countr_zero(all),
                                                    static_cast<int>(std::bit_width(all)) - 1);
    }
    // Two labels, both optional: one arc that is cut when the ops disagree (Lawler).
    if (use.always == 0 && std::popcount(kept) == 1 && std::popcount(moved) == 1) {
      add_disagreement(use, price);
      return;
    }
    for (LabelMask rest = kept; rest != 0; rest &= rest - 1) {
      const int used = network_.add_node();  // on the source side once any op keeps the label
      network_.add_arc(used, MaxFlow::kSink, price);
      for (const auto& [label, op] : use.keeping) {
        if (bit(label) == (rest & -rest)) {
          network_.add_arc(nodes_[static_cast<size_t>(op)], used, MaxFlow::kInfinite);
        }
      }
    }
    for (LabelMask rest = moved; rest != 0; rest &= rest - 1) {
      const int unused = network_.add_node();  // on the source side while no op has moved to it
      network_.add_arc(MaxFlow::kSource, unused, price);
      for (const auto& [label, op] : use.moving) {
        if (bit(label) == (rest & -rest)) {
          network_.add_arc(unused, nodes_[static_cast<size_t>(op)], MaxFlow::kInfinite);
        }
      }
    }
  }

  void add_disagreement(const ValueUses& use, const Cost& price) {
    const int any_keeps = network_.add_node();
    const int none_moves = network_.add_node();
    network_.add_arc(any_keeps, none_moves, price);
    for (const auto& [label, op] : use.keeping) {
      network_.add_arc(nodes_[static_cast<size_t>(op)], any_keeps, MaxFlow::kInfinite);
    }
    for (const auto& [label, op] : use.moving) {
      network_.add_arc(none_moves, nodes_[static_cast<size_t>(op)], MaxFlow::kInfinite);
    }
  }

  const Problem& problem_;
  const Assignment& current_;
  const Assignment& proposed_;
  MaxFlow network_;
  std::vector<int> nodes_;
  Exactness exactness_ = Exactness::kExact;
};

// Separates the uses of one label per value from all other uses. Uses of an op that its modes do
// not tie together may fall apart, which only lowers the result.
class IsolatingCut {
 public:
  IsolatingCut(const Problem& problem, const std::vector<int>& labels)
      : problem_(problem), labels_(labels) {}

  int64_t run() {
    inside_.resize(problem_.values.size());
    for (size_t v = 0; v < inside_.size(); ++v) add_fixed(v);
    for (const ProblemOp& op : problem_.ops) add_op(op);
    for (size_t v = 0; v < inside_.size(); ++v) add_value(v);
    return network_.run().bytes;
  }

 private:
  void add_fixed(size_t v) {
    if (labels_[v] < 0) return;
    const LabelMask fixed = problem_.values[v].fixed;
    if ((fixed & bit(labels_[v])) != 0) inside_[v].push_back(MaxFlow::kSource);
    if ((fixed & ~bit(labels_[v])) != 0) inside_[v].push_back(MaxFlow::kSink);
  }

  // Uses that match the labels in exactly the same modes share a node.
  void add_op(const ProblemOp& op) {
    std::vector<std::pair<std::vector<bool>, int>> groups;
    for (size_t i = 0; i < op.values.size(); ++i) {
      const size_t v = static_cast<size_t>(op.values[i]);
      if (labels_[v] < 0) continue;
      std::vector<bool> matches;
      for (int m = 0; m < op.num_modes(); ++m) matches.push_back(op.label(m, i) == labels_[v]);
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& known) { return known.first == matches; });
      if (group == groups.end()) {
        groups.push_back({matches, node_for(matches)});
        group = groups.end() - 1;
      }
      inside_[v].push_back(group->second);
    }
  }

  int node_for(const std::vector<bool>& matches) {
    if (std::find(matches.begin(), matches.end(), false) == matches.end()) return MaxFlow::kSource;
    if (std::find(matches.begin(), matches.end(), true) == matches.end()) return MaxFlow::kSink;
    return network_.add_node();
  }

  void add_value(size_t v) {
    if (inside_[v].size() < 2) return;
    const int any_inside = network_.add_node();
    const int none_outside = network_.add_node();
    network_.add_arc(any_inside, none_outside, {.bytes = problem_.values[v].copy_cost});
    for (const int node : inside_[v]) {
      network_.add_arc(node, any_inside, MaxFlow::kInfinite);
      network_.add_arc(none_outside, node, MaxFlow::kInfinite);
    }
  }

  const Problem& problem_;
  const std::vector<int>& labels_;
  MaxFlow network_;
  std::vector<std::vector<int>> inside_;  // per value, the nodes of its uses
};

}  // namespace

Proposal propose(const Problem& problem, int value, int label) {
  return propose(problem, ops_of_values(problem), value, label);
}

std::vector<Proposal> propose_all(const Problem& problem) {
  const std::vector<std::vector<int>> users = ops_of_values(problem);
  std::vector<LabelMask> covered(problem.values.size(), 0);
  std::vector<Proposal> proposals;
  // Values with many users first: their labels reach furthest.
  std::vector<int> order(problem.values.size());
  for (size_t v = 0; v < order.size(); ++v) order[v] = static_cast<int>(v);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return users[static_cast<size_t>(a)].size() > users[static_cast<size_t>(b)].size();
  });
  for (const int v : order) {
    for (int label = 0; label < problem.values[static_cast<size_t>(v)].num_labels; ++label) {
      if ((covered[static_cast<size_t>(v)] & bit(label)) != 0) continue;
      proposals.push_back(propose(problem, users, v, label));
      for (size_t w = 0; w < covered.size(); ++w) {
        const int carried = proposals.back().labels[w];
        if (carried >= 0) covered[w] |= bit(carried);
      }
    }
  }
  return proposals;
}

Fusion fuse(const Problem& problem, const Assignment& current, const Assignment& proposed) {
  return FusionCut(problem, current, proposed).run();
}

int64_t isolating_bound(const Problem& problem, const std::vector<Proposal>& proposals) {
  std::vector<LabelMask> covered(problem.values.size(), 0);
  int64_t twice = 0;
  for (const Proposal& proposal : proposals) {
    std::vector<int> labels = proposal.labels;
    for (size_t v = 0; v < labels.size(); ++v) {
      if (labels[v] < 0) continue;
      if ((covered[v] & bit(labels[v])) != 0) {
        labels[v] = -1;
      } else {
        covered[v] |= bit(labels[v]);
      }
    }
    twice += IsolatingCut(problem, labels).run();
  }
  int64_t modes = 0;
  for (const ProblemOp& op : problem.ops) {
    modes += *std::min_element(op.costs.begin(), op.costs.end());
  }
  return modes + (twice + 1) / 2;
}

}  // namespace ferryman::layout
