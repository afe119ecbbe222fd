// How the axes of one op's operands and results hang together, read from its row.
//
//   const OpAxes axes = op_axes(graph, op);
//   axes.operands[1][0];      // the axis that dim 0 of operand 1 is
//
// Tensors that name the same axis carry it in the same relative order. A tensor may name a
// positional axis in several neighbouring dims, which then stay together in logical order. Axes of
// size 1 are listed, too; they have no place in memory, but one in shapes.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace ferryman {

struct OpAxis {
  // The op looks at positions along the axis (pads, slices or slides over it): what is in it stays
  // together and in order. Otherwise it may be permuted, if all tensors agree.
  bool positional = false;
  // A tensor without this axis is broadcast along it, so its shape may need a 1 there.
  bool broadcasts = false;
};

struct OpAxes {
  enum class Kind : uint8_t {
    kTied,     // the orders of all tensors follow one order of the axes
    kRelabel,  // the result is the same memory under other names
    kOpaque,   // nothing is known: logical order everywhere
  };
  Kind kind = Kind::kTied;
  std::vector<OpAxis> axes;
  std::vector<std::vector<int>> operands;  // per dim; empty for an absent operand
  std::vector<std::vector<int>> results;
};

OpAxes op_axes(const Graph& graph, OpId op);

}  // namespace ferryman
