// The orders of axes in which Keras' layers take their tensors: channels last.
#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "ops/attrs.h"
#include "ops/names.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

using layout::TensorDemand;

namespace {

TensorDemand logical(size_t rank) {
  TensorDemand demand;
  demand.innermost.resize(rank);
  std::iota(demand.innermost.begin(), demand.innermost.end(), 0);
  return demand;
}

// [N, C, spatial…] with C innermost.
TensorDemand channels_last(size_t rank) {
  TensorDemand demand = logical(rank);
  if (rank > 2)
    std::rotate(demand.innermost.begin() + 1, demand.innermost.begin() + 2, demand.innermost.end());
  return demand;
}

size_t rank_of(const Graph& graph, OpId op, size_t operand) {
  return graph.type(graph.op(op).operands[operand]).rank();
}

// The first operand in one order, and what else there is, weights, as it is.
std::vector<TensorDemand> with_weights(const Graph& graph, OpId op, TensorDemand first) {
  std::vector<TensorDemand> demands = {std::move(first)};
  for (size_t i = 1; i < graph.op(op).operands.size(); ++i)
    demands.push_back(graph.op(op).has_operand(i) ? logical(rank_of(graph, op, i))
                                                  : TensorDemand());
  return demands;
}

int axis_of(const Graph& graph, OpId op) {
  return static_cast<int>(graph.op(op).attr(attr::kAxis).value);
}

}  // namespace

Forms image_forms(const Graph& graph, OpId op) {
  const TensorDemand demand = channels_last(rank_of(graph, op, 0));
  return {{.operands = with_weights(graph, op, demand), .results = {demand}}};
}

Forms channels_last_forms(const Graph& graph, OpId op) {
  return image_forms(graph, op);
}

Forms conv_forms(const Graph& graph, OpId op) {
  const size_t rank = rank_of(graph, op, 0);
  return {
      {.operands = with_weights(graph, op, channels_last(rank)), .results = {channels_last(rank)}}};
}

Forms linear_forms(const Graph& graph, OpId op) {
  const int last = static_cast<int>(rank_of(graph, op, 0)) - 1;
  return {{.operands = with_weights(graph, op, {{last}}), .results = {{{last}}}}};
}

Forms matmul_forms(const Graph& graph, OpId op) {
  return {{.operands = {logical(rank_of(graph, op, 0)), logical(rank_of(graph, op, 1))},
           .results = {logical(graph.type(graph.op(op).result()).rank())}}};
}

Forms trailing_forms(const Graph& graph, OpId op) {
  TensorDemand demand;
  for (const int64_t axis : graph.op(op).attr(attr::kAxes).values)
    demand.innermost.push_back(static_cast<int>(axis));
  return {{.operands = with_weights(graph, op, demand), .results = {demand}}};
}

Forms last_axis_forms(const Graph& graph, OpId op) {
  const int axis = axis_of(graph, op);
  return {{.operands = {{{axis}}}, .results = {{{axis}}}}};
}

Forms arg_forms(const Graph& graph, OpId op) {
  return {{.operands = {{{axis_of(graph, op)}}}, .results = {{}}}};
}

Forms topk_forms(const Graph& graph, OpId op) {
  const int axis = axis_of(graph, op);
  return {{.operands = {{{axis}}}, .results = {{{axis}}, {{axis}}}}};
}

// A table is a weight of the layer that reads it.
Forms gather_forms(const Graph& graph, OpId op) {
  const Op& gather = graph.op(op);
  if (!graph.is_stored(gather.operands[0])) return {};
  return {{.operands = {logical(rank_of(graph, op, 0)), logical(rank_of(graph, op, 1))},
           .results = {logical(graph.type(gather.result()).rank())}}};
}

}  // namespace ferryman::keras
