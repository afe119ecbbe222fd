#include "targets/tflite/runtime/output_table.h"

#include <array>
#include <iterator>

#include "targets/tflite/runtime/output_rules.h"

namespace ferryman::tflite {

namespace {

// clang-format off
constexpr OutputRow kOutputRows[] = {
    // Every element by itself.
    {Op::kAbs, 1, 1, 1, infer_like_first},
    {Op::kCeil, 1, 1, 1, infer_like_first},
    {Op::kCos, 1, 1, 1, infer_like_first},
    {Op::kElu, 1, 1, 1, infer_like_first},
    {Op::kExp, 1, 1, 1, infer_like_first},
    {Op::kFloor, 1, 1, 1, infer_like_first},
    {Op::kGelu, 1, 1, 1, infer_like_first},
    {Op::kHardSwish, 1, 1, 1, infer_like_first},
    {Op::kLeakyRelu, 1, 1, 1, infer_like_first},
    {Op::kLog, 1, 1, 1, infer_like_first},
    {Op::kLogicalNot, 1, 1, 1, infer_like_first},
    {Op::kLogistic, 1, 1, 1, infer_like_first},
    {Op::kNeg, 1, 1, 1, infer_like_first},
    {Op::kRelu, 1, 1, 1, infer_like_first},
    {Op::kRelu0To1, 1, 1, 1, infer_like_first},
    {Op::kRelu6, 1, 1, 1, infer_like_first},
    {Op::kReluN1To1, 1, 1, 1, infer_like_first},
    {Op::kRound, 1, 1, 1, infer_like_first},
    {Op::kRsqrt, 1, 1, 1, infer_like_first},
    {Op::kSign, 1, 1, 1, infer_like_first},
    {Op::kSin, 1, 1, 1, infer_like_first},
    {Op::kSqrt, 1, 1, 1, infer_like_first},
    {Op::kSquare, 1, 1, 1, infer_like_first},
    {Op::kTanh, 1, 1, 1, infer_like_first},
    {Op::kZerosLike, 1, 1, 1, infer_like_first},
    {Op::kFakeQuant, 1, 1, 1, infer_like_first},
    {Op::kDensify, 1, 1, 1, infer_like_first},
    {Op::kQuantize, 1, 1, 1, infer_declared_type},
    {Op::kDequantize, 1, 1, 1, infer_declared_type},
    {Op::kCast, 1, 1, 1, infer_cast},
    {Op::kBitcast, 1, 1, 1, infer_bitcast},
    {Op::kComplexAbs, 1, 1, 1, infer_real_part},
    {Op::kImag, 1, 1, 1, infer_real_part},
    {Op::kReal, 1, 1, 1, infer_real_part},
    {Op::kBucketize, 1, 1, 1, infer_int32_like_first},
    {Op::kAdd, 2, 2, 1, infer_elementwise},
    {Op::kAtan2, 2, 2, 1, infer_elementwise},
    {Op::kBitwiseXor, 2, 2, 1, infer_elementwise},
    {Op::kDiv, 2, 2, 1, infer_elementwise},
    {Op::kFloorDiv, 2, 2, 1, infer_elementwise},
    {Op::kFloorMod, 2, 2, 1, infer_elementwise},
    {Op::kLogicalAnd, 2, 2, 1, infer_elementwise},
    {Op::kLogicalOr, 2, 2, 1, infer_elementwise},
    {Op::kMaximum, 2, 2, 1, infer_elementwise},
    {Op::kMinimum, 2, 2, 1, infer_elementwise},
    {Op::kMul, 2, 2, 1, infer_elementwise},
    {Op::kPow, 2, 2, 1, infer_elementwise},
    {Op::kRightShift, 2, 2, 1, infer_elementwise},
    {Op::kSquaredDifference, 2, 2, 1, infer_elementwise},
    {Op::kSub, 2, 2, 1, infer_elementwise},
    {Op::kStablehloAdd, 2, 2, 1, infer_elementwise},
    {Op::kStablehloAnd, 2, 2, 1, infer_elementwise},
    {Op::kStablehloMaximum, 2, 2, 1, infer_elementwise},
    {Op::kStablehloMinimum, 2, 2, 1, infer_elementwise},
    {Op::kStablehloMultiply, 2, 2, 1, infer_elementwise},
    {Op::kStablehloShiftLeft, 2, 2, 1, infer_elementwise},
    {Op::kEqual, 2, 2, 1, infer_comparison},
    {Op::kGreater, 2, 2, 1, infer_comparison},
    {Op::kGreaterEqual, 2, 2, 1, infer_comparison},
    {Op::kLess, 2, 2, 1, infer_comparison},
    {Op::kLessEqual, 2, 2, 1, infer_comparison},
    {Op::kNotEqual, 2, 2, 1, infer_comparison},
    {Op::kAddN, 2, kAnyNumber, 1, infer_add_n},
    {Op::kPrelu, 2, 2, 1, infer_prelu},
    {Op::kSelect, 3, 3, 1, infer_select},
    {Op::kSelectV2, 3, 3, 1, infer_select_v2},
    // Along an axis, of the shape of the input.
    {Op::kL2Normalization, 1, 1, 1, infer_like_first},
    {Op::kLocalResponseNormalization, 1, 1, 1, infer_like_first},
    {Op::kLogSoftmax, 1, 1, 1, infer_like_first},
    {Op::kSoftmax, 1, 1, 1, infer_like_first},
    {Op::kCumsum, 2, 2, 1, infer_like_first},
    {Op::kMatrixSetDiag, 2, 2, 1, infer_like_first},
    {Op::kReverseSequence, 2, 2, 1, infer_like_first},
    {Op::kReverseV2, 2, 2, 1, infer_reverse},
    // Elements move, repeat or go.
    {Op::kBatchToSpaceNd, 3, 3, 1, infer_batch_to_space},
    {Op::kBroadcastTo, 2, 2, 1, infer_broadcast_to},
    {Op::kDepthToSpace, 1, 1, 1, infer_depth_to_space},
    {Op::kDilate, 3, 3, 1, infer_dilate},
    {Op::kDynamicUpdateSlice, 3, 3, 1, infer_dynamic_update_slice},
    {Op::kExpandDims, 2, 2, 1, infer_expand_dims},
    {Op::kMirrorPad, 2, 2, 1, infer_pad},
    {Op::kPad, 2, 2, 1, infer_pad},
    {Op::kPadv2, 3, 3, 1, infer_pad},
    {Op::kReshape, 1, 2, 1, infer_reshape},
    {Op::kSlice, 3, 3, 1, infer_slice},
    {Op::kSpaceToBatchNd, 3, 3, 1, infer_space_to_batch},
    {Op::kSpaceToDepth, 1, 1, 1, infer_space_to_depth},
    {Op::kSqueeze, 1, 1, 1, infer_squeeze},
    {Op::kStridedSlice, 4, 4, 1, infer_strided_slice},
    {Op::kTile, 2, 2, 1, infer_tile},
    {Op::kTranspose, 2, 2, 1, infer_transpose},
    // Several tensors.
    {Op::kConcatenation, 1, kAnyNumber, 1, infer_concatenation},
    {Op::kPack, 1, kAnyNumber, 1, infer_pack},
    {Op::kSplit, 2, 2, kAnyNumber, infer_split},
    {Op::kSplitV, 3, 3, kAnyNumber, infer_split_v},
    {Op::kUnpack, 1, 1, kAnyNumber, infer_unpack},
    // By position.
    {Op::kArgMax, 2, 2, 1, infer_arg_max},
    {Op::kArgMin, 2, 2, 1, infer_arg_min},
    {Op::kEmbeddingLookup, 2, 2, 1, infer_embedding_lookup},
    {Op::kGather, 2, 2, 1, infer_gather},
    {Op::kGatherNd, 2, 2, 1, infer_gather_nd},
    {Op::kNonMaxSuppressionV4, 5, 5, 2, infer_nms_v4},
    {Op::kNonMaxSuppressionV5, 6, 6, 3, infer_nms_v5},
    {Op::kScatterNd, 3, 3, 1, infer_scatter_nd},
    {Op::kSegmentSum, 2, 2, 1, infer_segment_sum},
    {Op::kTopkV2, 2, 2, 2, infer_topk},
    {Op::kUnique, 1, 1, 2, infer_unique},
    {Op::kUnsortedSegmentMax, 3, 3, 1, infer_unsorted_segments},
    {Op::kUnsortedSegmentMin, 3, 3, 1, infer_unsorted_segments},
    {Op::kUnsortedSegmentProd, 3, 3, 1, infer_unsorted_segments},
    {Op::kUnsortedSegmentSum, 3, 3, 1, infer_unsorted_segments},
    {Op::kWhere, 1, 1, 1, infer_where},
    // Described by numbers.
    {Op::kBroadcastArgs, 2, 2, 1, infer_broadcast_args},
    {Op::kFill, 2, 2, 1, infer_fill},
    {Op::kMatrixDiag, 1, 1, 1, infer_matrix_diag},
    {Op::kMultinomial, 2, 2, 1, infer_multinomial},
    {Op::kOneHot, 4, 4, 1, infer_one_hot},
    {Op::kRandomStandardNormal, 1, 1, 1, infer_random},
    {Op::kRandomUniform, 1, 1, 1, infer_random},
    {Op::kRange, 3, 3, 1, infer_range},
    {Op::kRank, 1, 1, 1, infer_rank},
    {Op::kRfft2d, 2, 2, 1, infer_rfft2d},
    {Op::kShape, 1, 1, 1, infer_shape},
    {Op::kSparseToDense, 4, 4, 1, infer_sparse_to_dense},
    // Reductions and products.
    {Op::kMean, 2, 2, 1, infer_reduction},
    {Op::kReduceMax, 2, 2, 1, infer_reduction},
    {Op::kReduceMin, 2, 2, 1, infer_reduction},
    {Op::kReduceProd, 2, 2, 1, infer_reduction},
    {Op::kSum, 2, 2, 1, infer_reduction},
    {Op::kReduceAll, 2, 2, 1, infer_truth_reduction},
    {Op::kReduceAny, 2, 2, 1, infer_truth_reduction},
    {Op::kBatchMatmul, 2, 2, 1, infer_batch_matmul},
    {Op::kFullyConnected, 2, 3, 1, infer_fully_connected},
    // Windows.
    {Op::kAveragePool2d, 1, 1, 1, infer_pool_2d},
    {Op::kL2Pool2d, 1, 1, 1, infer_pool_2d},
    {Op::kMaxPool2d, 1, 1, 1, infer_pool_2d},
    {Op::kConv2d, 2, 3, 1, infer_conv_2d},
    {Op::kConv3d, 2, 3, 1, infer_conv_3d},
    {Op::kConv3dTranspose, 3, 4, 1, infer_conv_3d_transpose},
    {Op::kDepthwiseConv2d, 2, 3, 1, infer_depthwise_conv_2d},
    {Op::kResizeBilinear, 2, 2, 1, infer_resize},
    {Op::kResizeNearestNeighbor, 2, 2, 1, infer_resize},
    {Op::kTransposeConv, 3, 4, 1, infer_transpose_conv},
    // Other graphs: verify_calls compares them.
    {Op::kIf, 1, kAnyNumber, kAnyNumber, infer_called_graph},
    {Op::kWhile, 1, kAnyNumber, kAnyNumber, infer_like_each},
};
// clang-format on

// States, hash tables, sequences of recurrent cells, StableHLO with graphs of its own.
constexpr Op kWithoutRow[] = {
    Op::kAssignVariable,
    Op::kBidirectionalSequenceLstm,
    Op::kBidirectionalSequenceRnn,
    Op::kCallOnce,
    Op::kEmbeddingLookupSparse,
    Op::kHashtable,
    Op::kHashtableFind,
    Op::kHashtableImport,
    Op::kHashtableLookup,
    Op::kHashtableSize,
    Op::kLshProjection,
    Op::kLstm,
    Op::kReadVariable,
    Op::kReduceWindow,
    Op::kRnn,
    Op::kSkipGram,
    Op::kStablehloCase,
    Op::kStablehloComposite,
    Op::kStablehloGather,
    Op::kStablehloPad,
    Op::kStablehloReduceWindow,
    Op::kStablehloRngBitGenerator,
    Op::kStablehloScatter,
    Op::kSvdf,
    Op::kUnidirectionalSequenceLstm,
    Op::kUnidirectionalSequenceRnn,
    Op::kVarHandle,
};

constexpr int kNoRow = -1;

constexpr std::array<int, kNumOps> positions() {
  std::array<int, kNumOps> found{};
  found.fill(kNoRow);
  for (size_t i = 0; i < std::size(kOutputRows); ++i)
    found[static_cast<size_t>(kOutputRows[i].op)] = static_cast<int>(i);
  return found;
}
constexpr std::array<int, kNumOps> kPositions = positions();

}  // namespace

const OutputRow* output_row(Op op) {
  const int position = kPositions[static_cast<size_t>(op)];
  return position == kNoRow ? nullptr : &kOutputRows[position];
}

std::span<const Op> ops_without_output_row() {
  return kWithoutRow;
}

}  // namespace ferryman::tflite
