// Matches that many rules of legalisation share; all pure.
#pragma once

#include "passes/match.h"
#include "passes/rewrite.h"

namespace ferryman::tflite {

// For rules that write an op in others wherever it stands.
inline Match<RootOp> match_any(const Graph&, OpId root) {
  return RootOp{root};
}

// Of the first operand.
inline DType operand_dtype(const Graph& graph, OpId root) {
  return graph.type(graph.op(root).operands[0]).dtype;
}

}  // namespace ferryman::tflite
