#include "layout/agree.h"

#include <algorithm>
#include <bit>

#include "support/check.h"

namespace ferryman::layout {

namespace {

// Several ops that decide together.
struct Group {
  ProblemOp op;
  std::vector<int> members;
  std::vector<int> member_modes;
};

class Agreement {
 public:
  Agreement(const Problem& problem, int64_t bytes)
      : problem_(problem), users_(problem.values.size()) {
    for (const ProblemValue& value : problem.values) {
      single_.push_back(value.copy_cost > bytes);
      allowed_.push_back(value.fixed == 0 ? ~LabelMask{0} : value.fixed);
    }
  }

  AgreedProblem run() {
    for (size_t o = 0; o < problem_.ops.size(); ++o) add_group(static_cast<int>(o));
    narrow();
    for (size_t v = 0; v < users_.size(); ++v) {
      if (single_[v]) merge_around(v);
    }
    AgreedProblem agreed;
    agreed.problem.values = problem_.values;
    for (Group& group : groups_) {
      if (group.members.empty()) continue;
      agreed.problem.ops.push_back(std::move(group.op));
      agreed.members.push_back(std::move(group.members));
      agreed.member_modes.push_back(std::move(group.member_modes));
    }
    return agreed;
  }

 private:
  bool is_single(int value) const { return single_[static_cast<size_t>(value)]; }

  void add_group(int o) {
    Group group{.op = problem_.ops[static_cast<size_t>(o)], .members = {o}, .member_modes = {}};
    for (int m = 0; m < group.op.num_modes(); ++m) group.member_modes.push_back(m);
    for (const int v : group.op.values) {
      std::vector<int>& list = users_[static_cast<size_t>(v)];
      if (list.empty() || list.back() != o) list.push_back(o);
    }
    groups_.push_back(std::move(group));
  }

  // Drops modes that use a label which another user of the value cannot, until all fit.
  void narrow() {
    std::vector<int> queue;
    for (size_t g = 0; g < groups_.size(); ++g) queue.push_back(static_cast<int>(g));
    for (size_t next = 0; next < queue.size(); ++next) {
      Group& group = groups_[static_cast<size_t>(queue[next])];
      keep_modes(group, [&](int mode) { return fits(group.op, mode); });
      for (const int v : group.op.values) {
        if (!is_single(v)) continue;
        LabelMask used = 0;
        for (int m = 0; m < group.op.num_modes(); ++m) used |= labels_used(group.op, m, v);
        LabelMask& allowed = allowed_[static_cast<size_t>(v)];
        if ((allowed & ~used) == 0) continue;
        allowed &= used;
        const std::vector<int>& others = users_[static_cast<size_t>(v)];
        queue.insert(queue.end(), others.begin(), others.end());
      }
    }
  }

  bool fits(const ProblemOp& op, int mode) const {
    return std::all_of(op.values.begin(), op.values.end(), [&](int v) {
      const LabelMask used = labels_used(op, mode, v);
      return !is_single(v) ||
             (std::popcount(used) == 1 && (used & ~allowed_[static_cast<size_t>(v)]) == 0);
    });
  }

  template <typename Keeps>
  static void keep_modes(Group& group, Keeps keeps) {
    Group kept{.op = {.values = group.op.values, .labels = {}, .costs = {}, .awkwardness = {}},
               .members = group.members,
               .member_modes = {}};
    for (int m = 0; m < group.op.num_modes(); ++m) {
      if (keeps(m)) append_mode(kept, group, m);
    }
    check(kept.op.num_modes() > 0, "layout: a known plan is impossible");
    if (kept.op.num_modes() < group.op.num_modes()) group = std::move(kept);
  }

  static void append_mode(Group& to, const Group& from, int mode) {
    const auto row = [mode](const auto& list, size_t width) {
      const auto begin = list.begin() + static_cast<long>(static_cast<size_t>(mode) * width);
      return std::pair(begin, begin + static_cast<long>(width));
    };
    const auto [label, labels_end] = row(from.op.labels, from.op.values.size());
    to.op.labels.insert(to.op.labels.end(), label, labels_end);
    const auto [member, members_end] = row(from.member_modes, from.members.size());
    to.member_modes.insert(to.member_modes.end(), member, members_end);
    to.op.costs.push_back(from.op.costs[static_cast<size_t>(mode)]);
    to.op.awkwardness.push_back(from.op.awkwardness[static_cast<size_t>(mode)]);
  }

  // Users of a single-labelled value become one, two at a time, as long as that adds no modes.
  void merge_around(size_t v) {
    for (size_t a = 0; a < users_[v].size(); ++a) {
      for (size_t b = a + 1; b < users_[v].size();) {
        const int first = users_[v][a];
        const int second = users_[v][b];
        if (!merge(first, second)) ++b;
      }
    }
  }

  bool merge(int a, int b) {
    Group& first = groups_[static_cast<size_t>(a)];
    Group& second = groups_[static_cast<size_t>(b)];
    const int most = std::max(first.op.num_modes(), second.op.num_modes());
    std::vector<std::pair<int, int>> pairs;
    for (int m = 0; m < first.op.num_modes(); ++m) {
      for (int n = 0; n < second.op.num_modes(); ++n) {
        if (!are_compatible(first.op, m, second.op, n)) continue;
        pairs.push_back({m, n});
        if (static_cast<int>(pairs.size()) > most) return false;
      }
    }
    check(!pairs.empty(), "layout: a known plan is impossible");
    groups_[static_cast<size_t>(a)] = joined(first, second, pairs);
    for (const int v : groups_[static_cast<size_t>(b)].op.values) {
      std::vector<int>& list = users_[static_cast<size_t>(v)];
      std::erase(list, b);
      if (std::find(list.begin(), list.end(), a) == list.end()) list.push_back(a);
    }
    groups_[static_cast<size_t>(b)] = {};
    return true;
  }

  bool are_compatible(const ProblemOp& a, int m, const ProblemOp& b, int n) const {
    for (size_t i = 0; i < a.values.size(); ++i) {
      if (!is_single(a.values[i])) continue;
      for (size_t j = 0; j < b.values.size(); ++j) {
        if (a.values[i] == b.values[j] && a.label(m, i) != b.label(n, j)) return false;
      }
    }
    return true;
  }

  static Group joined(const Group& a, const Group& b,
                      const std::vector<std::pair<int, int>>& pairs) {
    Group group{.op = {.values = a.op.values, .labels = {}, .costs = {}, .awkwardness = {}},
                .members = a.members,
                .member_modes = {}};
    const auto append = [](auto& list, const auto& more) {
      list.insert(list.end(), more.begin(), more.end());
    };
    append(group.op.values, b.op.values);
    append(group.members, b.members);
    for (const auto& [m, n] : pairs) {
      append_mode(group, a, m);
      append_mode(group, b, n);
      // One mode, not two.
      group.op.costs[group.op.costs.size() - 2] += group.op.costs.back();
      group.op.costs.pop_back();
      group.op.awkwardness[group.op.awkwardness.size() - 2] += group.op.awkwardness.back();
      group.op.awkwardness.pop_back();
    }
    return group;
  }

  const Problem& problem_;
  std::vector<bool> single_;             // per value
  std::vector<LabelMask> allowed_;       // per value, of the single-labelled ones
  std::vector<std::vector<int>> users_;  // per value, groups
  std::vector<Group> groups_;
};

}  // namespace

Assignment AgreedProblem::modes_of(const Assignment& assignment) const {
  size_t num_ops = 0;
  for (const std::vector<int>& list : members) num_ops += list.size();
  Assignment modes(num_ops, 0);
  for (size_t g = 0; g < members.size(); ++g) {
    for (size_t i = 0; i < members[g].size(); ++i) {
      const size_t row = static_cast<size_t>(assignment[g]) * members[g].size();
      modes[static_cast<size_t>(members[g][i])] = member_modes[g][row + i];
    }
  }
  return modes;
}

AgreedProblem agree(const Problem& problem, int64_t bytes) {
  return Agreement(problem, bytes).run();
}

}  // namespace ferryman::layout
