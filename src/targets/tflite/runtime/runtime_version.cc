#include "targets/tflite/runtime/runtime_version.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "targets/tflite/runtime/op_version.h"

namespace ferryman::tflite {

namespace {

constexpr size_t kMaxVersions = 14;

// The releases that brought versions 1, 2, … of an operator, as 100 * major + minor number. Those
// whose only version was there from the start, in 1.5, have no row.
struct ReleaseRow {
  Op op;
  std::array<int16_t, kMaxVersions> releases;
};
// clang-format off
constexpr ReleaseRow kReleases[] = {
    {Op::kAdd, {105, 114, 204, 206, 213, 223}},
    {Op::kAveragePool2d, {105, 114, 203}},
    {Op::kConcatenation, {105, 114, 203, 214, 221}},
    {Op::kConv2d, {105, 114, 114, 203, 204, 209, 211, 215}},
    {Op::kDepthwiseConv2d, {105, 112, 114, 202, 203, 203, 211}},
    {Op::kDepthToSpace, {201, 205}},
    {Op::kDequantize, {113, 114, 115, 202, 207, 218, 221, 222}},
    {Op::kEmbeddingLookup, {113, 114, 114, 218, 221}},
    {Op::kFloor, {109}},
    {Op::kFullyConnected, {105, 110, 114, 114, 200, 201, 203, 203, 203, 211, 215, 217, 218, 221}},
    {Op::kL2Normalization, {105, 114}},
    {Op::kLogistic, {114, 114, 203}},
    {Op::kLstm, {107, 110, 114, 203}},
    {Op::kMaxPool2d, {105, 114, 203}},
    {Op::kMul, {105, 114, 115, 203, 206, 211, 213, 223}},
    {Op::kRelu, {105, 201, 205}},
    {Op::kRelu6, {105, 114, 205}},
    {Op::kResizeBilinear, {107, 114, 202, 205}},
    {Op::kRnn, {105, 114, 203}},
    {Op::kSoftmax, {105, 114, 203}},
    {Op::kSpaceToDepth, {105, 114}},
    {Op::kSvdf, {105, 114, 202, 203}},
    {Op::kTanh, {114, 114, 203}},
    {Op::kPad, {105, 114, 204, 206, 220}},
    {Op::kUnidirectionalSequenceRnn, {114, 114, 203}},
    {Op::kGather, {106, 114, 115, 204, 205, 213, 215}},
    {Op::kBatchToSpaceNd, {106, 114, 203, 212}},
    {Op::kSpaceToBatchNd, {106, 114, 203, 212}},
    {Op::kTranspose, {106, 114, 115, 203, 204, 212, 214, 222}},
    {Op::kMean, {106, 114, 204}},
    {Op::kSub, {106, 114, 203, 204, 204}},
    {Op::kDiv, {106, 203}},
    {Op::kSqueeze, {106, 205}},
    {Op::kUnidirectionalSequenceLstm, {113, 114, 203, 212}},
    {Op::kStridedSlice, {106, 114, 201, 202, 205, 206, 214, 214}},
    {Op::kBidirectionalSequenceRnn, {114, 114, 203}},
    {Op::kExp, {107, 212}},
    {Op::kTopkV2, {107, 114, 213}},
    {Op::kSplit, {105, 114, 114, 203}},
    {Op::kLogSoftmax, {114, 114}},
    {Op::kBidirectionalSequenceLstm, {114, 114, 114}},
    {Op::kCast, {105, 207, 208, 209, 212, 215, 217, 221}},
    {Op::kPrelu, {108}},
    {Op::kMaximum, {114, 114, 203, 203}},
    {Op::kArgMax, {109, 114, 209}},
    {Op::kMinimum, {114, 114, 203, 203}},
    {Op::kLess, {114, 114, 213}},
    {Op::kNeg, {109}},
    {Op::kPadv2, {109, 114, 204, 206, 220}},
    {Op::kGreater, {114, 114}},
    {Op::kGreaterEqual, {114, 114, 213}},
    {Op::kLessEqual, {114, 114}},
    {Op::kSelect, {114, 114, 212, 212}},
    {Op::kSlice, {114, 114, 114, 204, 205, 214, 221}},
    {Op::kSin, {109}},
    {Op::kTransposeConv, {109, 202, 203, 213, 215}},
    {Op::kSparseToDense, {109, 114, 115}},
    {Op::kTile, {110, 202, 208}},
    {Op::kExpandDims, {110}},
    {Op::kEqual, {114, 114, 203, 213, 221}},
    {Op::kNotEqual, {114, 114, 203, 221}},
    {Op::kLog, {114, 215}},
    {Op::kSum, {110, 115}},
    {Op::kSqrt, {110, 221}},
    {Op::kRsqrt, {110, 205, 215}},
    {Op::kShape, {110}},
    {Op::kPow, {110}},
    {Op::kArgMin, {109, 114, 209}},
    {Op::kFakeQuant, {105, 110}},
    {Op::kReduceProd, {111, 206}},
    {Op::kReduceMax, {111, 114, 205}},
    {Op::kPack, {111, 114, 203, 213}},
    {Op::kLogicalOr, {111}},
    {Op::kOneHot, {111}},
    {Op::kLogicalAnd, {111}},
    {Op::kLogicalNot, {111}},
    {Op::kUnpack, {111, 114, 202, 203, 222}},
    {Op::kReduceMin, {111, 114, 205}},
    {Op::kFloorDiv, {114, 114, 213}},
    {Op::kReduceAny, {111}},
    {Op::kSquare, {112}},
    {Op::kZerosLike, {112}},
    {Op::kFill, {113, 203, 205, 212}},
    {Op::kFloorMod, {113, 213}},
    {Op::kRange, {113, 214}},
    {Op::kResizeNearestNeighbor, {113, 114, 203, 204}},
    {Op::kLeakyRelu, {113, 203}},
    {Op::kSquaredDifference, {113, 205}},
    {Op::kMirrorPad, {113, 203, 212}},
    {Op::kAbs, {113, 204, 205, 206, 212}},
    {Op::kSplitV, {113, 203}},
    {Op::kUnique, {114}},
    {Op::kCeil, {114}},
    {Op::kReverseV2, {114, 202, 205}},
    {Op::kAddN, {114}},
    {Op::kGatherNd, {114, 203, 205, 213, 216}},
    {Op::kCos, {114}},
    {Op::kWhere, {114, 208}},
    {Op::kRank, {114}},
    {Op::kElu, {114}},
    {Op::kReverseSequence, {114}},
    {Op::kMatrixDiag, {114}},
    {Op::kQuantize, {114, 115, 207, 221, 221}},
    {Op::kMatrixSetDiag, {114}},
    {Op::kRound, {114}},
    {Op::kHardSwish, {115}},
    {Op::kIf, {115}},
    {Op::kWhile, {115}},
    {Op::kNonMaxSuppressionV4, {201}},
    {Op::kNonMaxSuppressionV5, {201}},
    {Op::kScatterNd, {201}},
    {Op::kSelectV2, {202, 212}},
    {Op::kDensify, {202}},
    {Op::kSegmentSum, {202}},
    {Op::kBatchMatmul, {203, 203, 204, 205}},
    {Op::kCumsum, {204}},
    {Op::kCallOnce, {205}},
    {Op::kBroadcastTo, {205, 205, 205}},
    {Op::kRfft2d, {205}},
    {Op::kConv3d, {205}},
    {Op::kImag, {205}},
    {Op::kReal, {205}},
    {Op::kComplexAbs, {205}},
    {Op::kHashtable, {205}},
    {Op::kHashtableFind, {205}},
    {Op::kHashtableImport, {205}},
    {Op::kHashtableSize, {205}},
    {Op::kReduceAll, {206}},
    {Op::kConv3dTranspose, {206}},
    {Op::kVarHandle, {206}},
    {Op::kReadVariable, {206}},
    {Op::kAssignVariable, {206}},
    {Op::kBroadcastArgs, {206}},
    {Op::kRandomStandardNormal, {208}},
    {Op::kBucketize, {208}},
    {Op::kRandomUniform, {208}},
    {Op::kMultinomial, {208}},
    {Op::kGelu, {209, 209}},
    {Op::kDynamicUpdateSlice, {209, 217, 219, 220, 221, 222}},
    {Op::kRelu0To1, {210}},
    {Op::kUnsortedSegmentProd, {210}},
    {Op::kUnsortedSegmentMax, {210}},
    {Op::kUnsortedSegmentSum, {210}},
    {Op::kAtan2, {210}},
    {Op::kUnsortedSegmentMin, {211}},
    {Op::kSign, {211, 212}},
    {Op::kBitcast, {213}},
    {Op::kBitwiseXor, {213}},
    {Op::kRightShift, {213}},
    {Op::kStablehloAnd, {217}},
    {Op::kStablehloScatter, {215}},
    {Op::kDilate, {215}},
    {Op::kStablehloRngBitGenerator, {215}},
    {Op::kReduceWindow, {215}},
    {Op::kStablehloComposite, {217}},
    {Op::kStablehloShiftLeft, {217}},
    {Op::kStablehloCbrt, {217}},
    {Op::kStablehloCase, {217}},
};
// clang-format on

RuntimeVersion from_number(int16_t release) {
  return {release / 100, release % 100};
}

std::string described(Op op, int32_t version) {
  const std::string name(to_string(op));
  const bool is_first = min_runtime_version(op, version) == min_runtime_version(op, 1);
  return is_first ? name : fmt::format("{} (version {})", name, version);
}

}  // namespace

RuntimeVersion min_runtime_version(Op op, int32_t version) {
  const auto row = std::find_if(std::begin(kReleases), std::end(kReleases),
                                [&](const ReleaseRow& candidate) { return candidate.op == op; });
  if (row == std::end(kReleases)) return {};
  // Of versions that are newer than the table, the last one that it knows is a lower bound.
  const auto last = std::find(row->releases.begin(), row->releases.end(), 0) - 1;
  const auto wanted = row->releases.begin() + std::max(version, 1) - 1;
  return from_number(*std::min(wanted, last));
}

RuntimeNeed runtime_need(const Model& model) {
  std::set<std::pair<Op, int32_t>> uses;
  for (const Subgraph& subgraph : model.subgraphs) {
    for (const Operator& op : subgraph.operators) uses.insert({op.op, op_version(op, subgraph)});
  }
  RuntimeNeed need;
  for (const auto& [op, version] : uses) {
    need.release = std::max(need.release, min_runtime_version(op, version));
  }
  if (need.release == RuntimeVersion()) return need;
  for (const auto& [op, version] : uses) {
    if (min_runtime_version(op, version) == need.release)
      need.operators.push_back(described(op, version));
  }
  std::sort(need.operators.begin(), need.operators.end());
  return need;
}

std::string to_string(RuntimeVersion version) {
  return fmt::format("{}.{}.0", version.major_number, version.minor_number);
}

std::string to_string(const RuntimeNeed& need) {
  if (need.operators.empty()) return to_string(need.release);
  return fmt::format("{} ({})", to_string(need.release), fmt::join(need.operators, ", "));
}

}  // namespace ferryman::tflite
