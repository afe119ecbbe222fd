// The layout decision with everything about tensors taken away: each op picks one mode, a mode
// reads or writes each incident value under one label (a layout), and a value is paid for once per
// distinct label beyond the first.
//
//   Problem problem;
//   const int x = problem.add_value({.num_labels = 2, .copy_cost = 2 * bytes});
//   const int relu = problem.add_op({x, y});
//   problem.add_mode(relu, {0, 0}, 0);
//   problem.add_mode(relu, {1, 1}, 0);
//   Solution solution = solve(problem);
//
// Invariants: label 0 is the logical order; an op has at least one mode; a mode has one label per
// entry of the op's `values`, which may name a value twice; costs are not negative.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "support/small_vector.h"

namespace ferryman::layout {

constexpr int kMaxLabels = 64;  // sets of labels are bit masks
using LabelMask = uint64_t;
using LabelList = SmallVector<int, 4>;  // of tensors or values; -1: none

// What a choice costs. Compared part by part, so that among the plans that move the fewest bytes
// the one with fewer copies wins, then the less awkward one, then the one closer to the logical
// order. Sums and differences are taken part by part too, which keeps this an ordered group:
// max-flow works on it unchanged.
struct Cost {
  int64_t bytes = 0;
  int32_t copies = 0;
  int32_t awkwardness = 0;  // of copies, and of modes that keep ops from being fused
  int32_t not_logical = 0;  // uses of values under a label other than 0

  auto operator<=>(const Cost&) const = default;
  Cost& operator+=(const Cost& other) {
    bytes += other.bytes;
    copies += other.copies;
    awkwardness += other.awkwardness;
    not_logical += other.not_logical;
    return *this;
  }
  Cost& operator-=(const Cost& other) {
    bytes -= other.bytes;
    copies -= other.copies;
    awkwardness -= other.awkwardness;
    not_logical -= other.not_logical;
    return *this;
  }
  friend Cost operator+(Cost a, const Cost& b) { return a += b; }
  friend Cost operator-(Cost a, const Cost& b) { return a -= b; }
};

struct ProblemValue {
  int num_labels = 1;
  int64_t copy_cost = 0;  // charged for each distinct label beyond the first, and for each step
  LabelMask fixed = 0;    // labels that are in use whatever the ops choose
  // How awkward a copy between two labels is, as num_labels rows; empty: all alike.
  std::vector<int32_t> awkwardness = {};
  // How often the bytes move on the way from one label to another; empty: once.
  std::vector<uint8_t> steps = {};

  int32_t awkwardness_between(int a, int b) const {
    if (awkwardness.empty()) return 0;
    return awkwardness[static_cast<size_t>(a * num_labels + b)];
  }
  int steps_between(int a, int b) const {
    return steps.empty() ? 1 : steps[static_cast<size_t>(a * num_labels + b)];
  }
};

struct ProblemOp {
  SmallVector<int, 4> values;  // incident values, operands and results alike
  SmallVector<int, 8> labels;  // num_modes() rows of values.size() labels
  SmallVector<int64_t, 2> costs;
  SmallVector<int32_t, 2> awkwardness;  // per mode

  int num_modes() const { return static_cast<int>(costs.size()); }
  int label(int mode, size_t position) const {
    return labels[static_cast<size_t>(mode) * values.size() + position];
  }
};

struct Problem {
  std::vector<ProblemValue> values;
  std::vector<ProblemOp> ops;

  int add_value(ProblemValue value);
  int add_op(SmallVector<int, 4> incident_values);
  void add_mode(int op, const LabelList& labels, int64_t cost, int32_t awkwardness = 0);
};

// One chosen mode per op.
using Assignment = std::vector<int>;

// Per value.
std::vector<LabelMask> labels_in_use(const Problem& problem, const Assignment& modes);
Cost evaluate(const Problem& problem, const Assignment& modes);
// The cost of choosing `mode` apart from what its values pay.
Cost mode_cost(const ProblemOp& op, int mode);
Cost copies_of(const ProblemValue& value, LabelMask used);
// Labels of `value` (an index) that `op` uses in `mode`; an op may use a value more than once.
LabelMask labels_used(const ProblemOp& op, int mode, int value);

// Text for a failing test, complete enough to rebuild the instance.
std::string describe(const Problem& problem);

}  // namespace ferryman::layout
