#include "target/tflite/contract.h"

#include <numeric>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman::tflite {

using layout::Form;
using layout::TensorDemand;

namespace {

// [N, C, spatial…] with C innermost.
TensorDemand channels_last(size_t rank) {
  TensorDemand demand{{0}};
  for (size_t axis = 2; axis < rank; ++axis) demand.innermost.push_back(static_cast<int>(axis));
  demand.innermost.push_back(1);
  return demand;
}

TensorDemand logical(size_t rank) {
  TensorDemand demand;
  demand.innermost.resize(rank);
  std::iota(demand.innermost.begin(), demand.innermost.end(), 0);
  return demand;
}

std::vector<Form> conv_forms(const Graph& graph, OpId op) {
  const size_t rank = graph.type(graph.op(op).operands[0]).rank();
  TensorDemand weight = channels_last(rank);                          // OHWI
  if (rank == 4 && is_depthwise(graph, op)) weight = {{1, 2, 3, 0}};  // 1HWO
  if (rank == 5) weight = {{2, 3, 4, 1, 0}};                          // CONV_3D: DHWIO
  return {{.operands = {channels_last(rank), weight}, .results = {channels_last(rank)}}};
}

std::vector<Form> conv_transpose_forms(size_t rank) {
  TensorDemand weight = {{1, 2, 3, 0}};  // [I, O, H, W] to OHWI
  return {{.operands = {channels_last(rank), weight}, .results = {channels_last(rank)}}};
}

std::vector<Form> last_axis_forms(const Graph& graph, OpId op) {
  const int axis = static_cast<int>(graph.op(op).attr(attr::kAxis).value);
  return {{.operands = {{{axis}}}, .results = {{{axis}}}}};
}

std::vector<Form> topk_forms(const Graph& graph, OpId op) {
  const int axis = static_cast<int>(graph.op(op).attr(attr::kAxis).value);
  return {{.operands = {{{axis}}}, .results = {{{axis}}, {{axis}}}}};
}

std::vector<Form> linear_forms(const Graph& graph, OpId op) {
  const int last = static_cast<int>(graph.type(graph.op(op).operands[0]).rank()) - 1;
  const int result_last = static_cast<int>(graph.type(graph.op(op).result()).rank()) - 1;
  return {{.operands = {{{last}}, logical(2)}, .results = {{{result_last}}}}};
}

TensorDemand matrix(size_t rank, bool transposed) {
  const int rows = static_cast<int>(rank) - 2;
  return transposed ? TensorDemand{{rows + 1, rows}} : TensorDemand{{rows, rows + 1}};
}

std::vector<Form> matmul_forms(const Graph& graph, OpId op) {
  const size_t rank_x = graph.type(graph.op(op).operands[0]).rank();
  const size_t rank_y = graph.type(graph.op(op).operands[1]).rank();
  const size_t rank = graph.type(graph.op(op).result()).rank();
  std::vector<Form> forms;
  // Without flags first, then the one that XNNPACK runs as it stands.
  for (const int id : {0, kAdjointY, kAdjointX, kAdjointX | kAdjointY}) {
    forms.push_back(
        {.id = id,
         .operands = {matrix(rank_x, (id & kAdjointX) != 0), matrix(rank_y, (id & kAdjointY) != 0)},
         .results = {matrix(rank, false)}});
  }
  return forms;
}

}  // namespace

bool is_depthwise(const Graph& graph, OpId id) {
  const Op& conv = graph.op(id);
  const Dim channels = graph.type(conv.operands[0]).dims[1];
  // With one input channel both operators do; the dense one has the faster kernel.
  return Dim(conv.attr(attr::kGroups)) == channels && !(channels == Dim(1));
}

std::vector<Form> TfliteContract::forms(const Graph& graph, OpId id) const {
  const Op& op = graph.op(id);
  const size_t rank = op.operands.empty() ? 0 : graph.type(op.operands[0]).rank();
  if (op.is(ops::kConv)) return conv_forms(graph, id);
  if (op.is(ops::kConvTranspose)) return conv_transpose_forms(rank);
  if (op.is(ops::kLinear)) return linear_forms(graph, id);
  if (op.is(ops::kMatmul)) return matmul_forms(graph, id);
  if (op.is(ops::kSoftmax) || op.is(ops::kLogSoftmax)) return last_axis_forms(graph, id);
  if (op.is(ops::kTopk)) return topk_forms(graph, id);
  const bool is_image_op = op.is(ops::kMaxPool) || op.is(ops::kAvgPool) ||
                           op.is(ops::kResizeNearest) || op.is(ops::kResizeBilinear) ||
                           op.is(ops::kDepthToSpace) || op.is(ops::kSpaceToDepth);
  if (is_image_op) return {{.operands = {channels_last(rank)}, .results = {channels_last(rank)}}};
  return {};
}

}  // namespace ferryman::tflite
