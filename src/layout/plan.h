// The result of layout planning: in which order the axes of every tensor lie in memory. A side
// table; the graph is not touched.
//
//   LayoutPlan plan = plan_layout(graph, TfliteContract(), IoLayouts());
//   const OpPlan& chosen = plan.ops[op];
//   for (size_t i = 0; i < operands.size(); ++i)
//     tensors[i] = in_layout(operands[i], chosen.operands[i]);   // the lowering's, see below
//
// Lowering keeps a table (MemoryOrder, shape) -> target tensor. For an op that is not `relabelling`
// it asks for each operand in its layout, emits the chosen form, and enters the results. To answer:
//   * same MemoryOrder and shape: that tensor;
//   * same MemoryOrder, other shape: a RESHAPE, no bytes move;
//   * otherwise one copy, by `rearrange`, from the order in which the memory was produced.
// With the results of relabelling ops there is nothing to do: their MemoryOrder names the memory
// that they look at. Constants are read in the order asked for (`constant_in_layout`).
//
// Invariants: copies made in this way are exactly `copies`, and their bytes sum up to bytes_copied.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ir/graph.h"
#include "layout/contract.h"
#include "support/small_vector.h"

namespace ferryman::layout {

// A piece of a logical dim: the whole dim, or one factor of it where a reshape splits or merges it.
struct AxisPart {
  int dim = 0;      // -1: a 1 that broadcasting needs, no dim of the value
  int factor = -1;  // number in the value's list of factors, in logical order; -1: a dim of size 1
  Dim extent = 1;
  bool operator==(const AxisPart&) const = default;
};

// One axis of the tensor as it lies in memory: parts of one dim, outermost first. Parts that stand
// in another order than the logical one permute the positions along the axis.
struct PhysicalAxis {
  Dim extent = 1;
  SmallVector<AxisPart, 1> parts;
  bool operator==(const PhysicalAxis&) const = default;
};

// Axes in memory order, outermost first. Every dim of the value appears, those of size 1 as well;
// an operand that is broadcast may have further 1s, so that its axes face those of the result.
struct Layout {
  std::vector<PhysicalAxis> axes;

  Dims shape() const;
  // The dim that each physical axis is, if every dim is one axis: [0, 2, 3, 1] for channels last.
  std::optional<Ints> dim_order() const;
  // Physical axes that belong to a dim: one, unless the dim is split. For renumbering attributes.
  Ints axes_of_dim(int dim) const;
  bool operator==(const Layout&) const = default;
};

using FactorList = SmallVector<uint8_t, 16>;

// The value whose memory this is, and the order in which that value's factors lie in it. Equal
// MemoryOrders are the same bytes; only the shape may differ.
struct MemoryOrder {
  ValueId root;
  FactorList factors;
  auto operator<=>(const MemoryOrder&) const = default;
};

struct OpPlan {
  bool relabelling = false;      // no kernel: reshape, permute and the like
  int form = 0;                  // Form::id
  std::vector<Layout> operands;  // empty for an absent operand
  std::vector<Layout> results;
};

struct LayoutCopy {
  ValueId value;  // the root of the memory
  Layout from, to;
  int64_t bytes = 0;  // read and written
};

struct BodyPlan;

struct LayoutPlan {
  OpMap<OpPlan> ops;
  std::vector<Layout> inputs;   // parallel to Graph::inputs()
  std::vector<Layout> outputs;  // parallel to Graph::outputs()
  std::vector<Layout> updates;  // parallel to Graph::state_updates()
  std::vector<LayoutCopy> copies;
  int64_t bytes_copied = 0;  // by `copies`
  int64_t bytes_moved = 0;   // and by the chosen forms themselves
  int64_t lower_bound = 0;   // no plan moves fewer bytes
  bool proven = true;        // bytes_moved == lower_bound, in bodies as well
  // By BodyId; null where no op runs the body. What they copy is part of what the form of the op
  // moves.
  std::vector<std::shared_ptr<const BodyPlan>> bodies;

  // Which memory a value looks at: per factor of the value, the factor of the root.
  struct View {
    ValueId root;
    FactorList factors;
  };
  ValueMap<View> views;

  MemoryOrder memory_order(ValueId value, const Layout& layout) const;
};

// Of a body: how its inputs and outputs are passed, as its op's form has it, and what follows.
struct BodyPlan {
  IoLayouts io;
  LayoutPlan plan;
};

LayoutPlan plan_layout(const Graph& graph, const TargetContract& contract, const IoLayouts& io);

// Of a value, with the example's sizes where they are free.
int64_t estimated_bytes(const Graph& graph, ValueId value);

// One op that moves blocks between the last axis and two others: DEPTH_TO_SPACE from
// [N, H, W, size * size * C] to [N, H * size, W * size, C], or SPACE_TO_DEPTH back.
struct BlockMove {
  enum class Kind : uint8_t { kDepthToSpace, kSpaceToDepth };
  Kind kind = Kind::kDepthToSpace;
  int64_t size = 0;
  Dims input_shape;
  Dims output_shape;
};

// How to bring memory from one layout to another: RESHAPE to `input_shape`, TRANSPOSE by `perm`
// (new to old), RESHAPE to `output_shape`. Neighbours that stay together are one axis, axes of size
// 1 are left out. An empty perm is a RESHAPE only.
struct Rearrangement {
  Dims input_shape;
  Ints perm;
  Dims output_shape;
  // Does the same, where it is there. Its shapes have the axes of the two layouts.
  std::optional<BlockMove> blocks;
};
// `from` may be a layout of another value that looks at the same memory.
Rearrangement rearrange(const LayoutPlan& plan, ValueId from_value, const Layout& from,
                        ValueId to_value, const Layout& to);

// A constant, or a view of one: the data whose row-major bytes are the tensor of layout.shape().
// Its own shape may be finer, since merging strided axes would copy a weight.
TensorData constant_in_layout(const Graph& graph, const LayoutPlan& plan, ValueId value,
                              const Layout& layout);

}  // namespace ferryman::layout
