#include "layout/solve/solve.h"

#include <algorithm>
#include <array>
#include <utility>

#include "layout/agree.h"
#include "layout/solve/cut.h"

namespace ferryman::layout {

namespace {

constexpr int kMaxRounds = 20;  // of alpha-expansion over all proposals; two or three suffice

// A part of the problem that shares no open decision with the rest.
struct Component {
  Problem problem;
  std::vector<int> ops;  // original index of each op
};

// Union-find over ops.
class Groups {
 public:
  explicit Groups(size_t size) : parent_(size) {
    for (size_t i = 0; i < size; ++i) parent_[i] = i;
  }
  size_t find(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(size_t a, size_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<size_t> parent_;
};

LabelMask all_labels(const ProblemOp& op, int value) {
  LabelMask mask = 0;
  for (int m = 0; m < op.num_modes(); ++m) mask |= labels_used(op, m, value);
  return mask;
}

// Labels that the ops without a choice use.
std::vector<LabelMask> fixed_labels(const Problem& problem) {
  std::vector<LabelMask> fixed(problem.values.size());
  for (size_t v = 0; v < fixed.size(); ++v) fixed[v] = problem.values[v].fixed;
  for (const ProblemOp& op : problem.ops) {
    if (op.num_modes() != 1) continue;
    for (size_t i = 0; i < op.values.size(); ++i) {
      fixed[static_cast<size_t>(op.values[i])] |= LabelMask{1} << op.label(0, i);
    }
  }
  return fixed;
}

// Values whose price still depends on a choice: an open op may use a label that is not fixed yet.
std::vector<bool> open_values(const Problem& problem, const std::vector<LabelMask>& fixed) {
  std::vector<bool> open(problem.values.size(), false);
  for (const ProblemOp& op : problem.ops) {
    if (op.num_modes() == 1) continue;
    for (const int v : op.values) {
      const size_t value = static_cast<size_t>(v);
      if ((all_labels(op, v) & ~fixed[value]) != 0) open[value] = true;
    }
  }
  return open;
}

// Copies one op and its values into the component.
void add_open_op(Component& component, std::vector<int>& value_index, const Problem& problem,
                 size_t o, const std::vector<LabelMask>& fixed, const std::vector<bool>& open) {
  ProblemOp op = problem.ops[o];
  for (int& value : op.values) {
    const size_t v = static_cast<size_t>(value);
    if (value_index[v] < 0) {
      ProblemValue known = problem.values[v];
      known.fixed = fixed[v];
      // All its labels are paid for; it stays so that ties still prefer the logical order.
      if (!open[v]) known.copy_cost = 0;
      value_index[v] = component.problem.add_value(known);
    }
    value = value_index[v];
  }
  component.problem.ops.push_back(std::move(op));
  component.ops.push_back(static_cast<int>(o));
}

std::vector<Component> split(const Problem& problem) {
  const std::vector<LabelMask> fixed = fixed_labels(problem);
  const std::vector<bool> open = open_values(problem, fixed);
  Groups groups(problem.ops.size());
  std::vector<int> first_user(problem.values.size(), -1);
  for (size_t o = 0; o < problem.ops.size(); ++o) {
    if (problem.ops[o].num_modes() == 1) continue;
    for (const int v : problem.ops[o].values) {
      if (!open[static_cast<size_t>(v)]) continue;
      int& first = first_user[static_cast<size_t>(v)];
      if (first < 0) first = static_cast<int>(o);
      groups.join(static_cast<size_t>(first), o);
    }
  }
  std::vector<Component> components;
  std::vector<int> component_of(problem.ops.size(), -1);
  std::vector<std::vector<size_t>> members;
  for (size_t o = 0; o < problem.ops.size(); ++o) {
    if (problem.ops[o].num_modes() == 1) continue;
    int& component = component_of[groups.find(o)];
    if (component < 0) {
      component = static_cast<int>(members.size());
      members.emplace_back();
    }
    members[static_cast<size_t>(component)].push_back(o);
  }
  std::vector<int> value_index(problem.values.size(), -1);
  for (const std::vector<size_t>& ops : members) {
    Component& component = components.emplace_back();
    for (const size_t o : ops) add_open_op(component, value_index, problem, o, fixed, open);
    for (const size_t o : ops) {
      for (const int v : problem.ops[o].values) value_index[static_cast<size_t>(v)] = -1;
    }
  }
  return components;
}

// Every op in the proposed mode, or in its cheapest where the proposal has none.
Assignment complete(const Problem& problem, const Proposal& proposal) {
  Assignment modes = proposal.modes;
  for (size_t o = 0; o < modes.size(); ++o) {
    if (modes[o] >= 0) continue;
    const auto& costs = problem.ops[o].costs;
    modes[o] = static_cast<int>(std::min_element(costs.begin(), costs.end()) - costs.begin());
  }
  return modes;
}

// Each op has no mode besides these two, so the best mixture is the best assignment.
bool covers_all_modes(const Problem& problem, const Assignment& a, const Assignment& b) {
  for (size_t o = 0; o < problem.ops.size(); ++o) {
    const int second = b[o] < 0 ? a[o] : b[o];
    if (problem.ops[o].num_modes() > (a[o] == second ? 1 : 2)) return false;
  }
  return true;
}

Solution expand(const Problem& problem) {
  const std::vector<Proposal> proposals = propose_all(problem);
  Solution solution;
  for (const Proposal& proposal : proposals) {
    Assignment start = complete(problem, proposal);
    const Cost cost = evaluate(problem, start);
    if (solution.modes.empty() || cost < solution.cost)
      solution = {std::move(start), cost, 0, false};
  }
  bool improved = true;
  for (int round = 0; improved && round < kMaxRounds; ++round) {
    improved = false;
    for (const Proposal& proposal : proposals) {
      const Fusion fusion = fuse(problem, solution.modes, proposal.modes);
      const bool optimal = fusion.exactness == Exactness::kExact &&
                           covers_all_modes(problem, solution.modes, proposal.modes);
      const Cost cost = evaluate(problem, fusion.modes);
      if (cost < solution.cost) {
        solution.modes = fusion.modes;
        solution.cost = cost;
        improved = true;
      }
      if (optimal) return {solution.modes, solution.cost, solution.cost.bytes, true};
    }
  }
  solution.lower_bound = std::min(solution.cost.bytes, isolating_bound(problem, proposals));
  solution.proven = solution.lower_bound == solution.cost.bytes;
  return solution;
}

class ComponentSolver {
 public:
  ComponentSolver(const Problem& problem, std::span<const EliminationLimits> levels)
      : problem_(problem), levels_(levels) {}

  // What is cheap first; each step ends it where it meets the bound.
  Solution run() {
    if (!levels_.empty() && eliminate_within(levels_.front())) return best_;
    Solution expanded = expand(problem_);
    consider(std::move(expanded.modes), expanded.lower_bound);
    if (best_.proven) return best_;
    for (const EliminationLimits& limits : levels_) {
      if (eliminate_agreed(limits)) return best_;
    }
    return best_;
  }

 private:
  bool eliminate_within(const EliminationLimits& limits) {
    std::optional<Eliminated> eliminated = eliminate(problem_, limits);
    if (eliminated.has_value()) consider(std::move(eliminated->modes), eliminated->bound);
    return best_.proven;
  }

  // With what is known from the best plan so far: whatever is better agrees on dear values.
  bool eliminate_agreed(const EliminationLimits& limits) {
    const AgreedProblem agreed = agree(problem_, best_.cost.bytes);
    const std::optional<Eliminated> eliminated = eliminate(agreed.problem, limits);
    if (!eliminated.has_value()) return false;
    consider(agreed.modes_of(eliminated->modes), std::min(eliminated->bound, best_.cost.bytes));
    return best_.proven;
  }

  void consider(Assignment modes, int64_t lower_bound) {
    const Cost cost = evaluate(problem_, modes);
    if (best_.modes.empty() || cost < best_.cost) {
      best_.modes = std::move(modes);
      best_.cost = cost;
    }
    best_.lower_bound = std::max(best_.lower_bound, lower_bound);
    best_.proven = best_.cost.bytes == best_.lower_bound;
  }

  const Problem& problem_;
  std::span<const EliminationLimits> levels_;
  Solution best_{.modes = {}, .cost = {}, .lower_bound = 0, .proven = false};
};

// Tables that a few components need, and that would be too slow to try on all.
constexpr std::array<EliminationLimits, 2> kLevels = {{
    {.max_table_cells = size_t{1} << 16},
    {.max_table_cells = size_t{1} << 20},
}};

}  // namespace

Solution solve(const Problem& problem) {
  return solve(problem, kLevels);
}

Solution solve(const Problem& problem, std::span<const EliminationLimits> levels) {
  Solution total{.modes = Assignment(problem.ops.size(), 0), .cost = {}, .lower_bound = 0};
  int64_t gap = 0;
  for (const Component& component : split(problem)) {
    const Solution part = ComponentSolver(component.problem, levels).run();
    for (size_t o = 0; o < component.ops.size(); ++o) {
      total.modes[static_cast<size_t>(component.ops[o])] = part.modes[o];
    }
    gap += part.cost.bytes - part.lower_bound;
  }
  total.cost = evaluate(problem, total.modes);
  total.lower_bound = total.cost.bytes - gap;
  total.proven = gap == 0;
  return total;
}

}  // namespace ferryman::layout
