// What must hold for every graph, whichever stage made it.
#pragma once

#include "ir/graph.h"

namespace ferryman {

// Operand count and dtypes against the op's row, then the row's inference; located.
Result<std::vector<TensorType>> infer_types(Graph& graph, const Op& op);

// All violations at once: order, use lists, names, attribute kinds, result types.
Diagnostics verify_graph(const Graph& graph);

}  // namespace ferryman
