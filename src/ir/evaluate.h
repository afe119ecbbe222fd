// The reference evaluator over a whole graph: what it computes, op by op, by the rows' own
// evaluators. Slow and plain; for tests and for comparing stages.
//
//   FERRYMAN_TRY(const std::vector<TensorData> outputs, evaluate_graph(graph, inputs));
//
// States hold their initial values; their updates are computed by nobody here.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

// One op on contiguous operands (null: absent), located if it fails. Fails where the row has no
// evaluator.
Result<std::vector<TensorData>> evaluate_op(const Graph& graph, OpId op,
                                            std::span<const TensorData* const> operands);

// Inputs and outputs in the graph's order. Fails if the inputs do not have the types of the graph.
Result<std::vector<TensorData>> evaluate_graph(const Graph& graph,
                                               std::span<const TensorData> inputs);

}  // namespace ferryman
