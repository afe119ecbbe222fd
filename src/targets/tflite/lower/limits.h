// What LiteRT's kernels do not take, op by op; lower_table.cc says which are whose.
#pragma once

#include "targets/tflite/lower/lower_table.h"

namespace ferryman::tflite {

std::optional<Limit> conv_limit(const Graph& graph, const ferryman::Op& op);
std::optional<Limit> conv_transpose_limit(const Graph& graph, const ferryman::Op& op);
std::optional<Limit> max_pool_limit(const Graph& graph, const ferryman::Op& op);
std::optional<Limit> avg_pool_limit(const Graph& graph, const ferryman::Op& op);
std::optional<Limit> resize_limit(const Graph& graph, const ferryman::Op& op);
std::optional<Limit> resize_nearest_limit(const Graph& graph, const ferryman::Op& op);
std::optional<Limit> matmul_limit(const Graph& graph, const ferryman::Op& op);
std::optional<Limit> elu_limit(const Graph& graph, const ferryman::Op& op);
// Of quotients that are rounded.
std::optional<Limit> division_limit(const Graph& graph, const ferryman::Op& op);
std::optional<Limit> segment_limit(const Graph& graph, const ferryman::Op& op);
// lower_foreign.cc: what the code names may not exist, or not take such operands.
std::optional<Limit> foreign_limit(const Graph& graph, const ferryman::Op& op);

// Of an op that computes with `kernel` on `dtype`.
std::optional<Limit> type_limit(Op kernel, const ferryman::Op& op, DType dtype);

}  // namespace ferryman::tflite
