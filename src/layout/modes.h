// The modes of every op: combinations of candidate orders of its tensors that one form can read and
// write, and that agree on the order of all units that the tensors share.
//
//   list_modes(model, kMaxModes);     // after find_labels
//   Problem problem = make_problem(model);
#pragma once

#include "layout/model.h"

namespace ferryman::layout {

// Beyond this many modes of one op the rest is dropped, and the plan is not proven.
constexpr size_t kMaxModes = 64;

void list_modes(Model& model, size_t max_modes);

// Ops come in the order of model.ops, then one op per released port; values are the memories.
Problem make_problem(const Model& model);

// A run of units of one axis that is one physical axis in every tensor that has it. An axis without
// units (size 1 everywhere) has one run, too.
struct UnitRun {
  int axis = 0;
  Order units;
};
using UnitRuns = SmallVector<UnitRun, 6>;

// All units of the op in an order that agrees with `units_of` (per tensor; empty: no say).
using UnitOrders = SmallVector<Order, 4>;
Order common_order(const ModelOp& op, const UnitOrders& units_of);
UnitRuns unit_runs(const ModelOp& op, const Order& common);

}  // namespace ferryman::layout
