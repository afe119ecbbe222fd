#include "target/tflite/runtime_version.h"

#include <fmt/format.h>

#include <algorithm>

#include "target/tflite/op_version.h"

namespace ferryman::tflite {

namespace {

// Codes were handed out in order of release, so the release of an operator's first version is at
// least that of the greatest code here that is not above its own.
struct Milestone {
  Op first;
  RuntimeVersion release;
};
constexpr Milestone kMilestones[] = {
    {Op::kAdd, {1, 5}},    {Op::kSelectV2, {2, 2}},  {Op::kBatchMatmul, {2, 3}},
    {Op::kCumsum, {2, 4}}, {Op::kConv3d, {2, 5}},    {Op::kVarHandle, {2, 6}},
    {Op::kGelu, {2, 9}},   {Op::kRelu0To1, {2, 10}}, {Op::kStablehloComposite, {2, 17}},
};

// Later versions of older operators.
struct Raise {
  Op op;
  int32_t version;
  RuntimeVersion release;
};
constexpr Raise kRaises[] = {
    {Op::kConv2d, 3, {1, 14}},
    {Op::kConv2d, 5, {2, 4}},
    {Op::kConv2d, 6, {2, 9}},
    {Op::kConv2d, 7, {2, 11}},
    {Op::kConv2d, 8, {2, 15}},
    {Op::kDepthwiseConv2d, 6, {2, 3}},
    {Op::kDepthwiseConv2d, 7, {2, 11}},
    {Op::kFullyConnected, 5, {2, 0}},
    {Op::kFullyConnected, 6, {2, 1}},
    {Op::kFullyConnected, 9, {2, 3}},
    {Op::kFullyConnected, 10, {2, 11}},
    {Op::kFullyConnected, 12, {2, 17}},
    {Op::kFullyConnected, 13, {2, 18}},
    {Op::kFullyConnected, 14, {2, 21}},
    {Op::kBatchMatmul, 3, {2, 4}},
    {Op::kBatchMatmul, 4, {2, 5}},
    {Op::kTransposeConv, 3, {2, 3}},
    {Op::kTransposeConv, 4, {2, 13}},
    {Op::kResizeBilinear, 3, {2, 2}},
    {Op::kResizeNearestNeighbor, 3, {2, 3}},
    {Op::kGather, 5, {2, 5}},
    {Op::kStridedSlice, 6, {2, 6}},
    {Op::kStridedSlice, 8, {2, 14}},
    {Op::kDynamicUpdateSlice, 2, {2, 17}},
    {Op::kTranspose, 6, {2, 12}},
    {Op::kPad, 4, {2, 6}},
    {Op::kPadv2, 4, {2, 6}},
    {Op::kBroadcastTo, 2, {2, 5}},
    {Op::kEmbeddingLookup, 4, {2, 18}},
    {Op::kQuantize, 3, {2, 7}},
    {Op::kDequantize, 5, {2, 7}},
    {Op::kDequantize, 6, {2, 18}},
    {Op::kSlice, 5, {2, 5}},
    {Op::kMul, 5, {2, 6}},
};

}  // namespace

RuntimeVersion min_runtime_version(Op op, int32_t version) {
  RuntimeVersion release;
  for (const Milestone& milestone : kMilestones) {
    if (op != Op::kCustom && op >= milestone.first) release = milestone.release;
  }
  for (const Raise& raise : kRaises) {
    if (raise.op == op && raise.version <= version) release = std::max(release, raise.release);
  }
  return release;
}

RuntimeVersion min_runtime_version(const Model& model) {
  RuntimeVersion release;
  for (const Subgraph& subgraph : model.subgraphs) {
    for (const Operator& op : subgraph.operators) {
      release = std::max(release, min_runtime_version(op.op, op_version(op, subgraph)));
    }
  }
  return release;
}

std::string to_string(RuntimeVersion version) {
  return fmt::format("{}.{}.0", version.major_number, version.minor_number);
}

}  // namespace ferryman::tflite
