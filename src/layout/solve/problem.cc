#include "layout/solve/problem.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "support/check.h"

namespace ferryman::layout {

int Problem::add_value(ProblemValue value) {
  check(value.num_labels >= 1 && value.num_labels <= kMaxLabels, "layout: too many labels");
  check(value.copy_cost >= 0, "layout: negative copy cost");
  values.push_back(std::move(value));
  return static_cast<int>(values.size()) - 1;
}

int Problem::add_op(SmallVector<int, 4> incident_values) {
  ops.push_back(
      {.values = std::move(incident_values), .labels = {}, .costs = {}, .awkwardness = {}});
  return static_cast<int>(ops.size()) - 1;
}

void Problem::add_mode(int op, const LabelList& labels, int64_t cost, int32_t awkwardness) {
  ProblemOp& target = ops[static_cast<size_t>(op)];
  check(labels.size() == target.values.size(), "layout: a mode needs one label per value");
  check(cost >= 0, "layout: negative mode cost");
  target.labels.insert(target.labels.end(), labels.begin(), labels.end());
  target.costs.push_back(cost);
  target.awkwardness.push_back(awkwardness);
}

Cost mode_cost(const ProblemOp& op, int mode) {
  Cost cost{.bytes = op.costs[static_cast<size_t>(mode)],
            .awkwardness = op.awkwardness[static_cast<size_t>(mode)]};
  for (size_t i = 0; i < op.values.size(); ++i) cost.not_logical += op.label(mode, i) != 0 ? 1 : 0;
  return cost;
}

// Each label is copied from the one before it that is easiest to copy from.
Cost copies_of(const ProblemValue& value, LabelMask used) {
  const int copies = used == 0 ? 0 : std::popcount(used) - 1;
  Cost cost{.bytes = value.copy_cost * copies, .copies = copies};
  if (copies == 0 || value.awkwardness.empty()) return cost;
  for (LabelMask rest = used & (used - 1); rest != 0; rest &= rest - 1) {
    const int label = std::countr_zero(rest);
    std::pair<int, int32_t> least{std::numeric_limits<int>::max(), 0};
    for (int before = 0; before < label; ++before) {
      if ((used >> before & 1) != 0) {
        least = std::min(
            least, {value.steps_between(before, label), value.awkwardness_between(before, label)});
      }
    }
    cost.bytes += value.copy_cost * (least.first - 1);
    cost.awkwardness += least.second;
  }
  return cost;
}

LabelMask labels_used(const ProblemOp& op, int mode, int value) {
  LabelMask used = 0;
  for (size_t i = 0; i < op.values.size(); ++i) {
    if (op.values[i] == value) used |= LabelMask{1} << op.label(mode, i);
  }
  return used;
}

std::vector<LabelMask> labels_in_use(const Problem& problem, const Assignment& modes) {
  std::vector<LabelMask> used(problem.values.size());
  for (size_t v = 0; v < used.size(); ++v) used[v] = problem.values[v].fixed;
  for (size_t o = 0; o < problem.ops.size(); ++o) {
    const ProblemOp& op = problem.ops[o];
    for (size_t i = 0; i < op.values.size(); ++i) {
      used[static_cast<size_t>(op.values[i])] |= LabelMask{1} << op.label(modes[o], i);
    }
  }
  return used;
}

Cost evaluate(const Problem& problem, const Assignment& modes) {
  Cost total;
  for (size_t o = 0; o < problem.ops.size(); ++o) total += mode_cost(problem.ops[o], modes[o]);
  const std::vector<LabelMask> used = labels_in_use(problem, modes);
  for (size_t v = 0; v < used.size(); ++v) total += copies_of(problem.values[v], used[v]);
  return total;
}

std::string describe(const Problem& problem) {
  std::string text;
  for (size_t v = 0; v < problem.values.size(); ++v) {
    const ProblemValue& value = problem.values[v];
    text += "value " + std::to_string(v) + ": labels " + std::to_string(value.num_labels) +
            ", copy " + std::to_string(value.copy_cost) + ", fixed mask " +
            std::to_string(value.fixed) + "\n";
  }
  for (size_t o = 0; o < problem.ops.size(); ++o) {
    const ProblemOp& op = problem.ops[o];
    text += "op " + std::to_string(o) + " on";
    for (const int v : op.values) text += " " + std::to_string(v);
    for (int m = 0; m < op.num_modes(); ++m) {
      text += m == 0 ? ":" : ",";
      for (size_t i = 0; i < op.values.size(); ++i) text += " " + std::to_string(op.label(m, i));
      text += " (" + std::to_string(op.costs[static_cast<size_t>(m)]) + ")";
    }
    text += "\n";
  }
  return text;
}

}  // namespace ferryman::layout
