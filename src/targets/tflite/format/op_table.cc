#include "targets/tflite/format/op_table.h"

#include <array>
#include <cstddef>

#include "support/check.h"
#include "targets/tflite/format/option_fields.h"

namespace ferryman::tflite {

namespace {

using Table = OptionTable;

// clang-format off
constexpr std::array<OpRow, kNumOps> kOpRows = {{
    {Op::kAdd, "ADD", Table::kAddOptions},
    {Op::kAveragePool2d, "AVERAGE_POOL_2D", Table::kPool2DOptions},
    {Op::kConcatenation, "CONCATENATION", Table::kConcatenationOptions},
    {Op::kConv2d, "CONV_2D", Table::kConv2DOptions},
    {Op::kDepthwiseConv2d, "DEPTHWISE_CONV_2D", Table::kDepthwiseConv2DOptions},
    {Op::kDepthToSpace, "DEPTH_TO_SPACE", Table::kDepthToSpaceOptions},
    {Op::kDequantize, "DEQUANTIZE", Table::kDequantizeOptions},
    {Op::kEmbeddingLookup, "EMBEDDING_LOOKUP", Table::kNone},
    {Op::kFloor, "FLOOR", Table::kNone},
    {Op::kFullyConnected, "FULLY_CONNECTED", Table::kFullyConnectedOptions},
    {Op::kHashtableLookup, "HASHTABLE_LOOKUP", Table::kNone},
    {Op::kL2Normalization, "L2_NORMALIZATION", Table::kL2NormOptions},
    {Op::kL2Pool2d, "L2_POOL_2D", Table::kPool2DOptions},
    {Op::kLocalResponseNormalization, "LOCAL_RESPONSE_NORMALIZATION", Table::kLocalResponseNormalizationOptions},
    {Op::kLogistic, "LOGISTIC", Table::kNone},
    {Op::kLshProjection, "LSH_PROJECTION", Table::kLSHProjectionOptions},
    {Op::kLstm, "LSTM", Table::kLSTMOptions},
    {Op::kMaxPool2d, "MAX_POOL_2D", Table::kPool2DOptions},
    {Op::kMul, "MUL", Table::kMulOptions},
    {Op::kRelu, "RELU", Table::kNone},
    {Op::kReluN1To1, "RELU_N1_TO_1", Table::kNone},
    {Op::kRelu6, "RELU6", Table::kNone},
    {Op::kReshape, "RESHAPE", Table::kReshapeOptions},
    {Op::kResizeBilinear, "RESIZE_BILINEAR", Table::kResizeBilinearOptions},
    {Op::kRnn, "RNN", Table::kRNNOptions},
    {Op::kSoftmax, "SOFTMAX", Table::kSoftmaxOptions},
    {Op::kSpaceToDepth, "SPACE_TO_DEPTH", Table::kSpaceToDepthOptions},
    {Op::kSvdf, "SVDF", Table::kSVDFOptions},
    {Op::kTanh, "TANH", Table::kNone},
    {Op::kConcatEmbeddings, "CONCAT_EMBEDDINGS", Table::kConcatEmbeddingsOptions},
    {Op::kSkipGram, "SKIP_GRAM", Table::kSkipGramOptions},
    {Op::kCall, "CALL", Table::kCallOptions},
    {Op::kCustom, "CUSTOM", Table::kNone},
    {Op::kEmbeddingLookupSparse, "EMBEDDING_LOOKUP_SPARSE", Table::kEmbeddingLookupSparseOptions},
    {Op::kPad, "PAD", Table::kPadOptions},
    {Op::kUnidirectionalSequenceRnn, "UNIDIRECTIONAL_SEQUENCE_RNN", Table::kSequenceRNNOptions},
    {Op::kGather, "GATHER", Table::kGatherOptions},
    {Op::kBatchToSpaceNd, "BATCH_TO_SPACE_ND", Table::kBatchToSpaceNDOptions},
    {Op::kSpaceToBatchNd, "SPACE_TO_BATCH_ND", Table::kSpaceToBatchNDOptions},
    {Op::kTranspose, "TRANSPOSE", Table::kTransposeOptions},
    {Op::kMean, "MEAN", Table::kReducerOptions},
    {Op::kSub, "SUB", Table::kSubOptions},
    {Op::kDiv, "DIV", Table::kDivOptions},
    {Op::kSqueeze, "SQUEEZE", Table::kSqueezeOptions},
    {Op::kUnidirectionalSequenceLstm, "UNIDIRECTIONAL_SEQUENCE_LSTM", Table::kUnidirectionalSequenceLSTMOptions},
    {Op::kStridedSlice, "STRIDED_SLICE", Table::kStridedSliceOptions},
    {Op::kBidirectionalSequenceRnn, "BIDIRECTIONAL_SEQUENCE_RNN", Table::kBidirectionalSequenceRNNOptions},
    {Op::kExp, "EXP", Table::kExpOptions},
    {Op::kTopkV2, "TOPK_V2", Table::kTopKV2Options},
    {Op::kSplit, "SPLIT", Table::kSplitOptions},
    {Op::kLogSoftmax, "LOG_SOFTMAX", Table::kLogSoftmaxOptions},
    {Op::kDelegate, "DELEGATE", Table::kNone},
    {Op::kBidirectionalSequenceLstm, "BIDIRECTIONAL_SEQUENCE_LSTM", Table::kBidirectionalSequenceLSTMOptions},
    {Op::kCast, "CAST", Table::kCastOptions},
    {Op::kPrelu, "PRELU", Table::kNone},
    {Op::kMaximum, "MAXIMUM", Table::kMaximumMinimumOptions},
    {Op::kArgMax, "ARG_MAX", Table::kArgMaxOptions},
    {Op::kMinimum, "MINIMUM", Table::kMaximumMinimumOptions},
    {Op::kLess, "LESS", Table::kLessOptions},
    {Op::kNeg, "NEG", Table::kNegOptions},
    {Op::kPadv2, "PADV2", Table::kPadV2Options},
    {Op::kGreater, "GREATER", Table::kGreaterOptions},
    {Op::kGreaterEqual, "GREATER_EQUAL", Table::kGreaterEqualOptions},
    {Op::kLessEqual, "LESS_EQUAL", Table::kLessEqualOptions},
    {Op::kSelect, "SELECT", Table::kSelectOptions},
    {Op::kSlice, "SLICE", Table::kSliceOptions},
    {Op::kSin, "SIN", Table::kNone},
    {Op::kTransposeConv, "TRANSPOSE_CONV", Table::kTransposeConvOptions},
    {Op::kSparseToDense, "SPARSE_TO_DENSE", Table::kSparseToDenseOptions},
    {Op::kTile, "TILE", Table::kTileOptions},
    {Op::kExpandDims, "EXPAND_DIMS", Table::kExpandDimsOptions},
    {Op::kEqual, "EQUAL", Table::kEqualOptions},
    {Op::kNotEqual, "NOT_EQUAL", Table::kNotEqualOptions},
    {Op::kLog, "LOG", Table::kNone},
    {Op::kSum, "SUM", Table::kReducerOptions},
    {Op::kSqrt, "SQRT", Table::kNone},
    {Op::kRsqrt, "RSQRT", Table::kNone},
    {Op::kShape, "SHAPE", Table::kShapeOptions},
    {Op::kPow, "POW", Table::kPowOptions},
    {Op::kArgMin, "ARG_MIN", Table::kArgMinOptions},
    {Op::kFakeQuant, "FAKE_QUANT", Table::kFakeQuantOptions},
    {Op::kReduceProd, "REDUCE_PROD", Table::kReducerOptions},
    {Op::kReduceMax, "REDUCE_MAX", Table::kReducerOptions},
    {Op::kPack, "PACK", Table::kPackOptions},
    {Op::kLogicalOr, "LOGICAL_OR", Table::kLogicalOrOptions},
    {Op::kOneHot, "ONE_HOT", Table::kOneHotOptions},
    {Op::kLogicalAnd, "LOGICAL_AND", Table::kLogicalAndOptions},
    {Op::kLogicalNot, "LOGICAL_NOT", Table::kLogicalNotOptions},
    {Op::kUnpack, "UNPACK", Table::kUnpackOptions},
    {Op::kReduceMin, "REDUCE_MIN", Table::kReducerOptions},
    {Op::kFloorDiv, "FLOOR_DIV", Table::kFloorDivOptions},
    {Op::kReduceAny, "REDUCE_ANY", Table::kReducerOptions},
    {Op::kSquare, "SQUARE", Table::kSquareOptions},
    {Op::kZerosLike, "ZEROS_LIKE", Table::kZerosLikeOptions},
    {Op::kFill, "FILL", Table::kFillOptions},
    {Op::kFloorMod, "FLOOR_MOD", Table::kFloorModOptions},
    {Op::kRange, "RANGE", Table::kRangeOptions},
    {Op::kResizeNearestNeighbor, "RESIZE_NEAREST_NEIGHBOR", Table::kResizeNearestNeighborOptions},
    {Op::kLeakyRelu, "LEAKY_RELU", Table::kLeakyReluOptions},
    {Op::kSquaredDifference, "SQUARED_DIFFERENCE", Table::kSquaredDifferenceOptions},
    {Op::kMirrorPad, "MIRROR_PAD", Table::kMirrorPadOptions},
    {Op::kAbs, "ABS", Table::kAbsOptions},
    {Op::kSplitV, "SPLIT_V", Table::kSplitVOptions},
    {Op::kUnique, "UNIQUE", Table::kUniqueOptions},
    {Op::kCeil, "CEIL", Table::kNone},
    {Op::kReverseV2, "REVERSE_V2", Table::kReverseV2Options},
    {Op::kAddN, "ADD_N", Table::kAddNOptions},
    {Op::kGatherNd, "GATHER_ND", Table::kGatherNdOptions},
    {Op::kCos, "COS", Table::kCosOptions},
    {Op::kWhere, "WHERE", Table::kWhereOptions},
    {Op::kRank, "RANK", Table::kRankOptions},
    {Op::kElu, "ELU", Table::kNone},
    {Op::kReverseSequence, "REVERSE_SEQUENCE", Table::kReverseSequenceOptions},
    {Op::kMatrixDiag, "MATRIX_DIAG", Table::kMatrixDiagOptions},
    {Op::kQuantize, "QUANTIZE", Table::kQuantizeOptions},
    {Op::kMatrixSetDiag, "MATRIX_SET_DIAG", Table::kMatrixSetDiagOptions},
    {Op::kRound, "ROUND", Table::kNone},
    {Op::kHardSwish, "HARD_SWISH", Table::kHardSwishOptions},
    {Op::kIf, "IF", Table::kIfOptions},
    {Op::kWhile, "WHILE", Table::kWhileOptions},
    {Op::kNonMaxSuppressionV4, "NON_MAX_SUPPRESSION_V4", Table::kNonMaxSuppressionV4Options},
    {Op::kNonMaxSuppressionV5, "NON_MAX_SUPPRESSION_V5", Table::kNonMaxSuppressionV5Options},
    {Op::kScatterNd, "SCATTER_ND", Table::kScatterNdOptions},
    {Op::kSelectV2, "SELECT_V2", Table::kSelectV2Options},
    {Op::kDensify, "DENSIFY", Table::kDensifyOptions},
    {Op::kSegmentSum, "SEGMENT_SUM", Table::kSegmentSumOptions},
    {Op::kBatchMatmul, "BATCH_MATMUL", Table::kBatchMatMulOptions},
    {Op::kPlaceholderForGreaterOpCodes, "PLACEHOLDER_FOR_GREATER_OP_CODES", Table::kNone},
    {Op::kCumsum, "CUMSUM", Table::kCumsumOptions},
    {Op::kCallOnce, "CALL_ONCE", Table::kCallOnceOptions},
    {Op::kBroadcastTo, "BROADCAST_TO", Table::kBroadcastToOptions},
    {Op::kRfft2d, "RFFT2D", Table::kRfft2dOptions},
    {Op::kConv3d, "CONV_3D", Table::kConv3DOptions},
    {Op::kImag, "IMAG", Table::kNone},
    {Op::kReal, "REAL", Table::kNone},
    {Op::kComplexAbs, "COMPLEX_ABS", Table::kNone},
    {Op::kHashtable, "HASHTABLE", Table::kHashtableOptions},
    {Op::kHashtableFind, "HASHTABLE_FIND", Table::kHashtableFindOptions},
    {Op::kHashtableImport, "HASHTABLE_IMPORT", Table::kHashtableImportOptions},
    {Op::kHashtableSize, "HASHTABLE_SIZE", Table::kHashtableSizeOptions},
    {Op::kReduceAll, "REDUCE_ALL", Table::kReducerOptions},
    {Op::kConv3dTranspose, "CONV_3D_TRANSPOSE", Table::kConv3DOptions},
    {Op::kVarHandle, "VAR_HANDLE", Table::kVarHandleOptions},
    {Op::kReadVariable, "READ_VARIABLE", Table::kReadVariableOptions},
    {Op::kAssignVariable, "ASSIGN_VARIABLE", Table::kAssignVariableOptions},
    {Op::kBroadcastArgs, "BROADCAST_ARGS", Table::kNone},
    {Op::kRandomStandardNormal, "RANDOM_STANDARD_NORMAL", Table::kRandomOptions},
    {Op::kBucketize, "BUCKETIZE", Table::kBucketizeOptions},
    {Op::kRandomUniform, "RANDOM_UNIFORM", Table::kRandomOptions},
    {Op::kMultinomial, "MULTINOMIAL", Table::kRandomOptions},
    {Op::kGelu, "GELU", Table::kGeluOptions},
    {Op::kDynamicUpdateSlice, "DYNAMIC_UPDATE_SLICE", Table::kDynamicUpdateSliceOptions},
    {Op::kRelu0To1, "RELU_0_TO_1", Table::kNone},
    {Op::kUnsortedSegmentProd, "UNSORTED_SEGMENT_PROD", Table::kUnsortedSegmentProdOptions},
    {Op::kUnsortedSegmentMax, "UNSORTED_SEGMENT_MAX", Table::kUnsortedSegmentMaxOptions},
    {Op::kUnsortedSegmentSum, "UNSORTED_SEGMENT_SUM", Table::kUnsortedSegmentSumOptions},
    {Op::kAtan2, "ATAN2", Table::kATan2Options},
    {Op::kUnsortedSegmentMin, "UNSORTED_SEGMENT_MIN", Table::kUnsortedSegmentMinOptions},
    {Op::kSign, "SIGN", Table::kSignOptions},
    {Op::kBitcast, "BITCAST", Table::kBitcastOptions},
    {Op::kBitwiseXor, "BITWISE_XOR", Table::kBitwiseXorOptions},
    {Op::kRightShift, "RIGHT_SHIFT", Table::kRightShiftOptions},
    {Op::kStablehloLogistic, "STABLEHLO_LOGISTIC", Table::kNone},
    {Op::kStablehloAdd, "STABLEHLO_ADD", Table::kNone},
    {Op::kStablehloDivide, "STABLEHLO_DIVIDE", Table::kNone},
    {Op::kStablehloMultiply, "STABLEHLO_MULTIPLY", Table::kNone},
    {Op::kStablehloMaximum, "STABLEHLO_MAXIMUM", Table::kNone},
    {Op::kStablehloReshape, "STABLEHLO_RESHAPE", Table::kNone},
    {Op::kStablehloClamp, "STABLEHLO_CLAMP", Table::kNone},
    {Op::kStablehloConcatenate, "STABLEHLO_CONCATENATE", Table::kStablehloConcatenateOptions},
    {Op::kStablehloBroadcastInDim, "STABLEHLO_BROADCAST_IN_DIM", Table::kStablehloBroadcastInDimOptions},
    {Op::kStablehloConvolution, "STABLEHLO_CONVOLUTION", Table::kStablehloConvolutionOptions},
    {Op::kStablehloSlice, "STABLEHLO_SLICE", Table::kStablehloSliceOptions},
    {Op::kStablehloCustomCall, "STABLEHLO_CUSTOM_CALL", Table::kStablehloCustomCallOptions},
    {Op::kStablehloReduce, "STABLEHLO_REDUCE", Table::kStablehloReduceOptions},
    {Op::kStablehloAbs, "STABLEHLO_ABS", Table::kNone},
    {Op::kStablehloAnd, "STABLEHLO_AND", Table::kNone},
    {Op::kStablehloCosine, "STABLEHLO_COSINE", Table::kNone},
    {Op::kStablehloExponential, "STABLEHLO_EXPONENTIAL", Table::kNone},
    {Op::kStablehloFloor, "STABLEHLO_FLOOR", Table::kNone},
    {Op::kStablehloLog, "STABLEHLO_LOG", Table::kNone},
    {Op::kStablehloMinimum, "STABLEHLO_MINIMUM", Table::kNone},
    {Op::kStablehloNegate, "STABLEHLO_NEGATE", Table::kNone},
    {Op::kStablehloOr, "STABLEHLO_OR", Table::kNone},
    {Op::kStablehloPower, "STABLEHLO_POWER", Table::kNone},
    {Op::kStablehloRemainder, "STABLEHLO_REMAINDER", Table::kNone},
    {Op::kStablehloRsqrt, "STABLEHLO_RSQRT", Table::kNone},
    {Op::kStablehloSelect, "STABLEHLO_SELECT", Table::kNone},
    {Op::kStablehloSubtract, "STABLEHLO_SUBTRACT", Table::kNone},
    {Op::kStablehloTanh, "STABLEHLO_TANH", Table::kNone},
    {Op::kStablehloScatter, "STABLEHLO_SCATTER", Table::kStablehloScatterOptions},
    {Op::kStablehloCompare, "STABLEHLO_COMPARE", Table::kStablehloCompareOptions},
    {Op::kStablehloConvert, "STABLEHLO_CONVERT", Table::kNone},
    {Op::kStablehloDynamicSlice, "STABLEHLO_DYNAMIC_SLICE", Table::kStablehloDynamicSliceOptions},
    {Op::kStablehloDynamicUpdateSlice, "STABLEHLO_DYNAMIC_UPDATE_SLICE", Table::kNone},
    {Op::kStablehloPad, "STABLEHLO_PAD", Table::kStablehloPadOptions},
    {Op::kStablehloIota, "STABLEHLO_IOTA", Table::kStablehloIotaOptions},
    {Op::kStablehloDotGeneral, "STABLEHLO_DOT_GENERAL", Table::kStablehloDotGeneralOptions},
    {Op::kStablehloReduceWindow, "STABLEHLO_REDUCE_WINDOW", Table::kStablehloReduceWindowOptions},
    {Op::kStablehloSort, "STABLEHLO_SORT", Table::kStablehloSortOptions},
    {Op::kStablehloWhile, "STABLEHLO_WHILE", Table::kStablehloWhileOptions},
    {Op::kStablehloGather, "STABLEHLO_GATHER", Table::kStablehloGatherOptions},
    {Op::kStablehloTranspose, "STABLEHLO_TRANSPOSE", Table::kStablehloTransposeOptions},
    {Op::kDilate, "DILATE", Table::kDilateOptions},
    {Op::kStablehloRngBitGenerator, "STABLEHLO_RNG_BIT_GENERATOR", Table::kStablehloRngBitGeneratorOptions},
    {Op::kReduceWindow, "REDUCE_WINDOW", Table::kReduceWindowOptions},
    {Op::kStablehloComposite, "STABLEHLO_COMPOSITE", Table::kStableHLOCompositeOptions},
    {Op::kStablehloShiftLeft, "STABLEHLO_SHIFT_LEFT", Table::kStablehloShiftLeftOptions},
    {Op::kStablehloCbrt, "STABLEHLO_CBRT", Table::kNone},
    {Op::kStablehloCase, "STABLEHLO_CASE", Table::kStablehloCaseOptions},
}};
// clang-format on

constexpr bool op_rows_match_enum() {
  for (size_t i = 0; i < kOpRows.size(); ++i) {
    if (static_cast<size_t>(kOpRows[i].op) != i) return false;
  }
  return true;
}
static_assert(op_rows_match_enum());

}  // namespace

const OpRow& op_row(Op op) {
  const auto index = static_cast<size_t>(op);
  check(index < kOpRows.size(), "operator outside the enumeration");
  return kOpRows[index];
}

std::optional<Op> op_from_name(std::string_view name) {
  for (const OpRow& row : kOpRows) {
    if (row.name == name) return row.op;
  }
  return std::nullopt;
}

std::optional<Op> op_from_code(int32_t code) {
  if (code < 0 || code >= kNumOps) return std::nullopt;
  return static_cast<Op>(code);
}

Options default_options(Op op) {
  if (op == Op::kCustom) return CustomOptions{};
  return default_options(op_row(op).table);
}

}  // namespace ferryman::tflite
