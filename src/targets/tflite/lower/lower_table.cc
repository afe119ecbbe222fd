#include "targets/tflite/lower/lower_table.h"

#include <array>
#include <unordered_map>

#include "ops/names.h"
#include "ops/special/special_names.h"
#include "targets/tflite/lower/forms.h"
#include "targets/tflite/lower/limits.h"
#include "targets/tflite/lower/lower_families.h"

namespace ferryman::tflite {

namespace {

// clang-format off
constexpr std::array kLowerings = {
    // Spatial.
    LoweringRow{ops::kConv, {}, lower_conv, conv_forms, conv_limit},
    LoweringRow{ops::kConvTranspose, {}, lower_conv_transpose, conv_transpose_forms,
                conv_transpose_limit},
    LoweringRow{ops::kMaxPool, Op::kMaxPool2d, lower_max_pool, image_forms, max_pool_limit},
    LoweringRow{ops::kAvgPool, Op::kAveragePool2d, lower_avg_pool, image_forms, avg_pool_limit},
    LoweringRow{ops::kResizeNearest, Op::kResizeNearestNeighbor, lower_resize_nearest, image_forms,
                resize_nearest_limit},
    LoweringRow{ops::kResizeBilinear, Op::kResizeBilinear, lower_resize_bilinear, image_forms,
                resize_limit},
    LoweringRow{ops::kDepthToSpace, {}, lower_depth_to_space, image_forms},
    LoweringRow{ops::kSpaceToDepth, {}, lower_space_to_depth, image_forms},
    // Products.
    LoweringRow{ops::kLinear, {}, lower_linear, linear_forms},
    LoweringRow{ops::kMatmul, {}, lower_matmul, matmul_forms, matmul_limit},
    // Pointwise, one operand.
    LoweringRow{ops::kAbs, Op::kAbs},
    LoweringRow{ops::kNeg, Op::kNeg},
    LoweringRow{ops::kSign, Op::kSign},
    LoweringRow{ops::kSquare, Op::kSquare},
    LoweringRow{ops::kExp, Op::kExp},
    LoweringRow{ops::kLog, Op::kLog},
    LoweringRow{ops::kSqrt, Op::kSqrt},
    LoweringRow{ops::kRsqrt, Op::kRsqrt},
    LoweringRow{ops::kSin, Op::kSin},
    LoweringRow{ops::kCos, Op::kCos},
    LoweringRow{ops::kFloor, Op::kFloor},
    LoweringRow{ops::kCeil, Op::kCeil},
    LoweringRow{ops::kRound, Op::kRound},
    LoweringRow{ops::kLogicalNot, Op::kLogicalNot},
    LoweringRow{ops::kReciprocal, Op::kDiv, lower_reciprocal},
    LoweringRow{ops::kCast, Op::kCast, lower_cast},
    LoweringRow{ops::kBitcast, {}, lower_bitcast},
    // Activations.
    LoweringRow{ops::kRelu, Op::kRelu},
    LoweringRow{ops::kRelu6, Op::kRelu6},
    LoweringRow{ops::kPrelu, Op::kPrelu},
    LoweringRow{ops::kSigmoid, Op::kLogistic},
    LoweringRow{ops::kTanh, Op::kTanh},
    LoweringRow{ops::kElu, Op::kElu, nullptr, nullptr, elu_limit},
    LoweringRow{ops::kHardswish, Op::kHardSwish},
    LoweringRow{ops::kLeakyRelu, Op::kLeakyRelu, lower_leaky_relu},
    LoweringRow{ops::kGelu, Op::kGelu, lower_gelu},
    LoweringRow{ops::kClamp, Op::kMaximum, lower_clamp},
    // Pointwise, several operands.
    LoweringRow{ops::kAdd, Op::kAdd},
    LoweringRow{ops::kSub, Op::kSub},
    LoweringRow{ops::kMul, Op::kMul},
    LoweringRow{ops::kDiv, Op::kDiv},
    LoweringRow{ops::kFloorDivide, Op::kFloorDiv, nullptr, nullptr, division_limit},
    LoweringRow{ops::kTruncDivide, Op::kDiv, nullptr, nullptr, division_limit},
    LoweringRow{ops::kRemainder, Op::kFloorMod},
    LoweringRow{ops::kPow, Op::kPow},
    LoweringRow{ops::kMaximum, Op::kMaximum},
    LoweringRow{ops::kMinimum, Op::kMinimum},
    LoweringRow{ops::kAtan2, Op::kAtan2},
    LoweringRow{ops::kEq, Op::kEqual},
    LoweringRow{ops::kNe, Op::kNotEqual},
    LoweringRow{ops::kLt, Op::kLess},
    LoweringRow{ops::kLe, Op::kLessEqual},
    LoweringRow{ops::kGt, Op::kGreater},
    LoweringRow{ops::kGe, Op::kGreaterEqual},
    LoweringRow{ops::kLogicalAnd, Op::kLogicalAnd},
    LoweringRow{ops::kLogicalOr, Op::kLogicalOr},
    LoweringRow{ops::kLogicalXor, Op::kNotEqual},
    LoweringRow{ops::kBitwiseAnd, Op::kStablehloAnd},
    LoweringRow{ops::kBitwiseXor, Op::kBitwiseXor},
    LoweringRow{ops::kShiftRight, Op::kRightShift},
    LoweringRow{ops::kWhere, Op::kSelectV2, lower_where, nullptr, nullptr, /*data_operand=*/1},
    // Reductions, and what runs along an axis.
    LoweringRow{ops::kSum, Op::kSum, lower_sum},
    LoweringRow{ops::kMean, Op::kMean, lower_mean},
    LoweringRow{ops::kProd, Op::kReduceProd, lower_prod},
    LoweringRow{ops::kAmax, Op::kReduceMax, lower_amax},
    LoweringRow{ops::kAmin, Op::kReduceMin, lower_amin},
    LoweringRow{ops::kAny, {}, lower_any},
    LoweringRow{ops::kAll, {}, lower_all},
    LoweringRow{ops::kArgmax, Op::kArgMax, lower_argmax, arg_forms},
    LoweringRow{ops::kArgmin, Op::kArgMin, lower_argmin, arg_forms},
    LoweringRow{ops::kSoftmax, Op::kSoftmax, lower_softmax, last_axis_forms},
    LoweringRow{ops::kLogSoftmax, Op::kLogSoftmax, lower_log_softmax, last_axis_forms},
    LoweringRow{ops::kCumsum, Op::kCumsum, lower_cumsum},
    LoweringRow{ops::kTopk, Op::kTopkV2, lower_topk, topk_forms},
    LoweringRow{ops::kSegmentReduce, {}, lower_segment_reduce, nullptr, segment_limit},
    // Elements in other places.
    LoweringRow{ops::kConcat, Op::kConcatenation, lower_concat},
    LoweringRow{ops::kSlice, {}, lower_slice},
    LoweringRow{ops::kOverwrite, Op::kDynamicUpdateSlice, lower_overwrite},
    LoweringRow{ops::kPad, Op::kPad, lower_pad},
    LoweringRow{ops::kReflectPad, {}, lower_reflect_pad},
    LoweringRow{ops::kFlip, Op::kReverseV2, lower_flip},
    LoweringRow{ops::kTile, {}, lower_tile},
    LoweringRow{ops::kIota, {}, lower_iota},
    LoweringRow{ops::kSymSize, {}, lower_sym_size},
    LoweringRow{ops::kExpand, {}, lower_expand},
    LoweringRow{ops::kGather, Op::kGather, lower_gather},
    LoweringRow{ops::kReshape, {}, lower_reshape},
    LoweringRow{ops::kPermute, {}, lower_permute},
    LoweringRow{ops::kPixelShuffle, {}, lower_pixel_shuffle},
    LoweringRow{ops::kPixelUnshuffle, {}, lower_pixel_unshuffle},
    LoweringRow{ops::kNms, {}, lower_nms},
    LoweringRow{ops::kCut, {}, lower_cut},
    // Operators by their names.
    LoweringRow{ops::kForeign, {}, lower_foreign, nullptr, foreign_limit},
    // What runs bodies.
    LoweringRow{ops::kIf, {}, lower_if, body_forms},
    LoweringRow{ops::kWhile, {}, lower_while, body_forms},
    LoweringRow{ops::kScan, {}, lower_scan, body_forms},
};
// clang-format on

using LoweringByName = std::unordered_map<std::string_view, const LoweringRow*>;

LoweringByName lowering_by_name() {
  LoweringByName rows;
  for (const LoweringRow& row : kLowerings) rows.emplace(row.op.text, &row);
  return rows;
}

}  // namespace

const LoweringRow* find_lowering(const OpDef& def) {
  static const LoweringByName rows = lowering_by_name();
  const auto found = rows.find(def.name);
  return found == rows.end() ? nullptr : found->second;
}

}  // namespace ferryman::tflite
