#include "tests/support/test_contract.h"

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman::layout {

namespace {

// [0, 2, …, rank - 1, 1]
TensorDemand channels_last(size_t rank) {
  TensorDemand demand{{0}};
  for (size_t d = 2; d < rank; ++d) demand.innermost.push_back(static_cast<int>(d));
  demand.innermost.push_back(1);
  return demand;
}

TensorDemand last_dims(size_t rank, size_t count) {
  TensorDemand demand;
  for (size_t d = rank - count; d < rank; ++d) demand.innermost.push_back(static_cast<int>(d));
  return demand;
}

TensorDemand swapped_matrix(size_t rank) {
  const int last = static_cast<int>(rank) - 1;
  return {{last, last - 1}};
}

std::vector<Form> matmul_forms(size_t a, size_t b, size_t result) {
  std::vector<Form> forms;
  for (int id = 0; id < 4; ++id) {
    forms.push_back({.id = id,
                     .operands = {(id & 1) != 0 ? swapped_matrix(a) : last_dims(a, 2),
                                  (id & 2) != 0 ? swapped_matrix(b) : last_dims(b, 2)},
                     .results = {last_dims(result, 2)}});
  }
  return forms;
}

}  // namespace

std::vector<Form> ChannelsLastContract::forms(const Graph& graph, OpId id) const {
  const Op& op = graph.op(id);
  const auto rank = [&](size_t t) { return graph.type(op.operands[t]).rank(); };
  const size_t result_rank = graph.type(op.result()).rank();
  if (op.is(ops::kConv) || op.is(ops::kConvTranspose)) {
    return {{.operands = {channels_last(rank(0)), channels_last(rank(1))},
             .results = {channels_last(result_rank)}}};
  }
  if (op.def->axes == AxisRule::kAnchored && rank(0) >= 3 && op.operands.size() == 1) {
    return {{.operands = {channels_last(rank(0))}, .results = {channels_last(result_rank)}}};
  }
  if (op.is(ops::kSoftmax)) {
    const TensorDemand last{{static_cast<int>(op.attr(attr::kAxis).value)}};
    return {{.operands = {last}, .results = {last}}};
  }
  if (op.is(ops::kLinear)) {
    return {{.operands = {last_dims(rank(0), 1), last_dims(2, 2)},
             .results = {last_dims(result_rank, 1)}}};
  }
  if (op.is(ops::kMatmul)) return matmul_forms(rank(0), rank(1), result_rank);
  return {};
}

}  // namespace ferryman::layout
