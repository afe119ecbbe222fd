// The graph as layout planning sees it: memories, which have candidate orders (labels), and ops,
// which tie the orders of the memories that they read and write.
//
//   Model model = build_model(graph, contract, io, bodies);
//   find_labels(model);                 // labels.h
//   list_modes(model, kMaxModes);       // modes.h
//
// A memory is a value together with all its views: reshapes and permutes name the same bytes. An op
// sees each tensor as a sequence of *units*: a factor of an axis, or a whole axis where positions
// along it matter. Tensors of an op agree on the order of the units that they share.
// Invariant: label 0 of a memory is its logical order, available or not.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "layout/bodies.h"
#include "layout/factors.h"
#include "layout/order.h"
#include "layout/solve/problem.h"

namespace ferryman::layout {

struct Memory {
  ValueId root;
  bool constant = false;  // in every order at once, for free
  size_t num_factors = 0;
  int64_t bytes = 0;             // symbolic sizes are estimated
  SmallVector<Order, 2> labels;  // of the root's factors
  LabelMask available = 0;       // labels that somebody asks for
  LabelMask pinned = 0;          // labels that the graph's boundary needs
};

// One operand or result of an op. Absent operands and constants have no say (`memory` is -1).
struct ModelTensor {
  ValueId value;
  int memory = -1;
  AxisList axes;         // per dim, the op's axis; -1: its own
  Order memory_factors;  // per factor of the value, the factor of the memory
  Order units;           // per factor of the value
  Order factor_dims;     // per factor of the value, its dim
  std::array<uint8_t, Order::kCapacity> unit_of_memory_factor{};
  Order logical;            // its units in logical order
  bool whole_dims = false;  // the factors of a dim stay together: the op counts along its dims

  bool has_unit(uint8_t unit) const { return logical.contains(unit); }
};

struct ModelMode {
  size_t form = 0;   // index into forms
  LabelList labels;  // per tensor; -1 without a memory
};

struct ModelOp {
  OpId id;
  SmallVector<OpAxis, 8> axes;
  AxisList unit_axes;                // per unit, its axis
  std::vector<ModelTensor> tensors;  // operands, then results
  size_t num_operands = 0;
  std::vector<Form> forms;  // at least one
  std::vector<ModelMode> modes;
  // By form, the plans of the bodies that the op runs, in the order of its attributes.
  std::vector<std::vector<std::shared_ptr<const BodyPlan>>> bodies;

  const TensorDemand& demand(size_t form, size_t tensor) const;
};

// A graph input or output whose order the plan chooses. The user sees its dims, so these stay
// whole.
struct ReleasedPort {
  ValueId value;
  std::vector<int> labels;  // of its memory; at least one
};

struct Model {
  Factors factors;
  std::vector<Memory> memories;
  ValueMap<int> memory_of;             // through views
  std::vector<ModelOp> ops;            // in execution order; relabelling ops are not among them
  std::vector<ReleasedPort> released;  // inputs, then outputs
  bool complete = true;                // false: candidates were dropped, so nothing is proven
};

Model build_model(const Graph& graph, const TargetContract& contract, const IoLayouts& io,
                  BodyPlanner& bodies);

// Index of `order` among the memory's labels, added if it is new.
int add_label(Memory& memory, const Order& order);

// The memory order in which a value's dims lie as listed.
Order order_of_dims(const Model& model, ValueId value, std::span<const int> dims);

// The units of a tensor in the order that a label gives, each at its first factor.
Order units_in_label(const ModelTensor& tensor, const Order& label);
// The reverse: whole units, one after the other.
Order label_of_units(const ModelTensor& tensor, const Order& units);

// Assumed for a symbolic size, within its range: large enough that moving the tensor counts.
constexpr int64_t kAssumedSize = 16;

}  // namespace ferryman::layout
