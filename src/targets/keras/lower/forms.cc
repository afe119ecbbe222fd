// The orders of axes in which Keras' layers take their tensors: channels last.
#include <algorithm>
#include <numeric>

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

int axis_of(const Graph& graph, OpId op) {
  return static_cast<int>(graph.op(op).attr(attr::kAxis).value);
}

}  // namespace

Forms image_forms(const Graph& graph, OpId op) {
  const TensorDemand demand = channels_last(rank_of(graph, op, 0));
  return {{.operands = {demand}, .results = {demand}}};
}

Forms channels_last_forms(const Graph& graph, OpId op) {
  return image_forms(graph, op);
}

Forms conv_forms(const Graph& graph, OpId op) {
  const size_t rank = rank_of(graph, op, 0);
  return {{.operands = {channels_last(rank), logical(rank)}, .results = {channels_last(rank)}}};
}

Forms linear_forms(const Graph& graph, OpId op) {
  const int last = static_cast<int>(rank_of(graph, op, 0)) - 1;
  return {{.operands = {{{last}}, logical(2)}, .results = {{{last}}}}};
}

Forms matmul_forms(const Graph& graph, OpId op) {
  return {{.operands = {logical(rank_of(graph, op, 0)), logical(rank_of(graph, op, 1))},
           .results = {logical(graph.type(graph.op(op).result()).rank())}}};
}

Forms trailing_forms(const Graph& graph, OpId op) {
  TensorDemand demand;
  for (const int64_t axis : graph.op(op).attr(attr::kAxes).values)
    demand.innermost.push_back(static_cast<int>(axis));
  return {{.operands = {demand}, .results = {demand}}};
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
