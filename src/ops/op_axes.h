// How the axes of one op's operands and results hang together, read from its row.
//
//   const OpAxes axes = op_axes(graph, op);
//   axes.operands[1][0];      // the axis that dim 0 of operand 1 is
//
// Tensors that name the same axis carry it in the same relative order. A tensor may name a
// positional axis in several neighbouring dims, which then stay together in logical order. Axes of
// size 1 are listed, too; they have no place in memory, but one in shapes.
//
// Most rows name a rule (AxisRule); what differs from the usual is a function on the row, made of
// the pieces below:
//
//   .axes(AxisRule::kAnchored, [](const Graph& graph, const Op& op) {
//     return AxesOfOp(graph, op).elementwise();
//   })
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

// Per dim of a tensor, an axis of the op.
using AxisList = SmallVector<int, 6>;
// The parts of a dim, outermost first.
using DimParts = SmallVector<size_t, 2>;

struct OpAxis {
  // The op looks at positions along the axis (pads, slices or slides over it): what is in it stays
  // together and in order. Otherwise it may be permuted, if all tensors agree.
  bool positional = false;
  // A tensor without this axis is broadcast along it, so its shape may need a 1 there.
  bool broadcasts = false;
};

// The dims of an operand and of a result as parts, which both have: what is a dim of its own on one
// side may be a part of one on the other.
struct Relabelling {
  Dims parts;                           // their extents
  std::vector<DimParts> operand_parts;  // per dim
  std::vector<DimParts> result_parts;
};

struct OpAxes {
  enum class Kind : uint8_t {
    kTied,     // the orders of all tensors follow one order of the axes
    kRelabel,  // the result is the same memory under other names
    kOpaque,   // nothing is known: logical order everywhere
  };
  Kind kind = Kind::kTied;
  SmallVector<OpAxis, 8> axes;
  std::vector<AxisList> operands;  // empty for an absent operand
  std::vector<AxisList> results;
  // kRelabel: none where only the sizes of both sides tell, as of a reshape.
  std::optional<Relabelling> relabelling = {};
};

OpAxes op_axes(const Graph& graph, OpId op);

// Of one op; each function is a whole answer and is called once.
class AxesOfOp {
 public:
  AxesOfOp(const Graph& graph, const Op& op);

  OpAxes opaque();  // every tensor on its own
  OpAxes elementwise();
  // The same, where an operand of one axis, but the first, counts channels: axis 1.
  OpAxes elementwise_by_channel();
  // Along the Axis attribute, which is found by its kind.
  OpAxes along(bool sees_positions);
  OpAxes reduce();
  OpAxes windowed();
  // By a spec as of OpRow::contract.
  OpAxes contract(std::string_view spec);
  // [N, C, spatial…]: channels and images are independent of each other.
  OpAxes image();
  OpAxes relabel(std::optional<Relabelling> relabelling);

  // For rules of an op's own.
  size_t rank(ValueId value) const { return graph_.type(value).rank(); }
  const Dims& dims(ValueId value) const { return graph_.type(value).dims; }
  const Op& op() const { return op_; }
  size_t axis_attr() const;
  int add_axis(OpAxis axis);
  // Axes 0 .. rank-1 are the dims of `of`.
  void axes_from(ValueId of, OpAxis axis) { axes_.axes.assign(rank(of), axis); }
  // The last `value_rank` of the axes, as broadcasting aligns them.
  AxisList aligned_right(size_t value_rank) const;
  OpAxes& axes() { return axes_; }
  OpAxes finish() { return std::move(axes_); }

 private:
  template <typename AxesOf>
  OpAxes assign(AxesOf axes_of);
  bool is_neutral_at(size_t dim) const;
  bool assign_letters(std::string_view letters, ValueId value, AxisList& list);

  const Graph& graph_;
  const Op& op_;
  OpAxes axes_;
  size_t num_star_ = 0;
  std::array<int, 256> letter_axes_{};  // axis + 1
};

}  // namespace ferryman
