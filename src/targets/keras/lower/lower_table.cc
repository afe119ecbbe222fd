#include "targets/keras/lower/lower_table.h"

#include <unordered_map>

#include "ops/names.h"
#include "ops/special/special_names.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

// clang-format off
const std::vector<LoweringRow>& all_lowerings() {
  static const std::vector<LoweringRow> rows = {
    // Spatial: layers.
    {ops::kConv, {}, lower_conv, conv_forms, conv_limit},
    {ops::kConvTranspose, {}, lower_conv_transpose, conv_forms, conv_transpose_limit},
    {ops::kMaxPool, {}, lower_max_pool, image_forms, max_pool_limit},
    {ops::kAvgPool, {}, lower_avg_pool, image_forms, avg_pool_limit},
    {ops::kResizeNearest, {}, lower_resize_nearest, image_forms, resize_nearest_limit},
    {ops::kResizeBilinear, {}, lower_resize_bilinear, image_forms, resize_bilinear_limit},
    // Products.
    {ops::kLinear, {}, lower_linear, linear_forms},
    {ops::kMatmul, {}, lower_matmul, matmul_forms},
    {ops::kMultiHeadAttention, {}, lower_attention, attention_forms},
    // Normalisations: layers.
    {ops::kBatchNorm, {}, lower_batch_norm, channels_last_forms, batch_norm_limit},
    {ops::kLayerNorm, {}, lower_layer_norm, trailing_forms},
    {ops::kGroupNorm, {}, lower_group_norm, channels_last_forms},
    {ops::kRmsNorm, {}, lower_rms_norm, trailing_forms, rms_norm_limit},
    // Dropout: layers.
    {ops::kDropout, {}, lower_dropout, dropout_forms},
    {ops::kAlphaDropout, {}, lower_alpha_dropout, dropout_forms},
    // Recurrent layers.
    {ops::kLstm, {}, lower_recurrent, recurrent_forms, recurrent_limit},
    {ops::kGru, {}, lower_recurrent, recurrent_forms, recurrent_limit},
    {ops::kRnn, {}, lower_recurrent, recurrent_forms, recurrent_limit},
    // Models that converters of the user's own make.
    {ops::kForeign, {}, lower_foreign, nullptr, foreign_limit},
    // Pointwise, one operand.
    {ops::kAbs, {kNumpy, "Absolute"}},
    {ops::kNeg, {kNumpy, "Negative"}},
    {ops::kSign, {kNumpy, "Sign"}},
    {ops::kSquare, {kNumpy, "Square"}},
    {ops::kExp, {kNumpy, "Exp"}},
    {ops::kLog, {kNumpy, "Log"}},
    {ops::kSqrt, {kNumpy, "Sqrt"}},
    {ops::kRsqrt, {kMath, "Rsqrt"}},
    {ops::kReciprocal, {kNumpy, "Reciprocal"}},
    {ops::kSin, {kNumpy, "Sin"}},
    {ops::kCos, {kNumpy, "Cos"}},
    {ops::kTan, {kNumpy, "Tan"}},
    {ops::kAsin, {kNumpy, "Arcsin"}},
    {ops::kAcos, {kNumpy, "Arccos"}},
    {ops::kAtan, {kNumpy, "Arctan"}},
    {ops::kSinh, {kNumpy, "Sinh"}},
    {ops::kCosh, {kNumpy, "Cosh"}},
    {ops::kAsinh, {kNumpy, "Arcsinh"}},
    {ops::kAcosh, {kNumpy, "Arccosh"}},
    {ops::kAtanh, {kNumpy, "Arctanh"}},
    {ops::kLog1p, {kNumpy, "Log1p"}},
    {ops::kExpm1, {kNumpy, "Expm1"}},
    {ops::kFloor, {kNumpy, "Floor"}},
    {ops::kCeil, {kNumpy, "Ceil"}},
    {ops::kRound, {kNumpy, "Round"}},
    {ops::kTrunc, {kNumpy, "Trunc"}},
    {ops::kErf, {kMath, "Erf"}},
    {ops::kIsNan, {kNumpy, "Isnan"}},
    {ops::kLogicalNot, {kNumpy, "LogicalNot"}},
    {ops::kBitwiseNot, {kNumpy, "BitwiseNot"}},
    {ops::kCast, {}, lower_cast},
    {ops::kBitcast, {}, lower_bitcast},
    // Activations: layers.
    {ops::kRelu, {}, lower_relu},
    {ops::kRelu6, {}, lower_relu6},
    {ops::kClamp, {}, lower_clamp},
    {ops::kLeakyRelu, {}, lower_leaky_relu},
    {ops::kPrelu, {}, lower_prelu},
    {ops::kElu, {}, lower_elu, nullptr, elu_limit},
    {ops::kSigmoid, {kActivation, "sigmoid"}},
    {ops::kTanh, {kActivation, "tanh"}},
    {ops::kSilu, {kActivation, "silu"}},
    {ops::kGelu, {}, lower_gelu},
    {ops::kHardswish, {kActivation, "hard_silu"}},
    {ops::kHardsigmoid, {kActivation, "hard_sigmoid"}},
    {ops::kSoftplus, {kActivation, "softplus"}, nullptr, nullptr, softplus_limit},
    {ops::kMish, {kActivation, "mish"}},
    {ops::kGlu, {}, lower_glu},
    // Pointwise, several operands.
    {ops::kAdd, {}, lower_add},
    {ops::kSub, {}, lower_sub},
    {ops::kMul, {}, lower_mul},
    {ops::kDiv, {kNumpy, "Divide"}},
    {ops::kFloorDivide, {kNumpy, "FloorDivide"}},
    {ops::kTruncDivide, {}, lower_trunc_divide},
    {ops::kRemainder, {kNumpy, "Mod"}},
    {ops::kFmod, {kNumpy, "Fmod"}},
    {ops::kPow, {}, lower_pow},
    {ops::kMaximum, {kNumpy, "Maximum"}},
    {ops::kMinimum, {kNumpy, "Minimum"}},
    {ops::kAtan2, {kNumpy, "Arctan2"}},
    {ops::kEq, {kNumpy, "Equal"}},
    {ops::kNe, {kNumpy, "NotEqual"}},
    {ops::kLt, {}, lower_lt},
    {ops::kLe, {}, lower_le},
    {ops::kGt, {}, lower_gt},
    {ops::kGe, {}, lower_ge},
    {ops::kLogicalAnd, {kNumpy, "LogicalAnd"}},
    {ops::kLogicalOr, {kNumpy, "LogicalOr"}},
    {ops::kLogicalXor, {kNumpy, "LogicalXor"}},
    {ops::kBitwiseAnd, {}, lower_bitwise_and},
    {ops::kBitwiseOr, {}, lower_bitwise_or},
    {ops::kBitwiseXor, {}, lower_bitwise_xor},
    {ops::kShiftRight, {}, lower_shift_right},
    {ops::kWhere, {}, lower_where},
    // Reductions, and what runs along an axis.
    {ops::kSum, {}, lower_sum},
    {ops::kMean, {}, lower_mean},
    {ops::kProd, {}, lower_prod},
    {ops::kAmax, {}, lower_amax},
    {ops::kAmin, {}, lower_amin},
    {ops::kAny, {}, lower_any},
    {ops::kAll, {}, lower_all},
    {ops::kArgmax, {}, lower_argmax, arg_forms},
    {ops::kArgmin, {}, lower_argmin, arg_forms},
    {ops::kSoftmax, {}, lower_softmax, last_axis_forms},
    {ops::kLogSoftmax, {}, lower_log_softmax, last_axis_forms},
    {ops::kCumsum, {}, lower_cumsum},
    {ops::kTopk, {}, lower_topk, topk_forms},
    // Elements in other places.
    {ops::kConcat, {}, lower_concat},
    {ops::kSlice, {}, lower_slice},
    {ops::kPad, {}, lower_pad},
    {ops::kReflectPad, {}, lower_reflect_pad},
    {ops::kFlip, {}, lower_flip},
    {ops::kTile, {}, lower_tile},
    {ops::kExpand, {}, lower_expand},
    {ops::kGather, {}, lower_gather, gather_forms},
    {ops::kSegmentReduce, {}, lower_segment_reduce},
    {ops::kSymSize, {}, lower_sym_size},
    {ops::kReshape, {}, lower_reshape},
    {ops::kPermute, {}, lower_permute},
    {ops::kPixelShuffle, {}, lower_pixel_shuffle},
    {ops::kPixelUnshuffle, {}, lower_pixel_unshuffle},
    {ops::kIota, {}, lower_iota},
  };
  return rows;
}
// clang-format on

namespace {

using LoweringByName = std::unordered_map<std::string_view, const LoweringRow*>;

LoweringByName lowering_by_name() {
  LoweringByName rows;
  for (const LoweringRow& row : all_lowerings()) rows.emplace(row.op.text, &row);
  return rows;
}

}  // namespace

const LoweringRow* find_lowering(const OpDef& def) {
  static const LoweringByName rows = lowering_by_name();
  const auto found = rows.find(def.name);
  return found == rows.end() ? nullptr : found->second;
}

bool keeps(const Graph& graph, const Op& op) {
  const LoweringRow* row = find_lowering(*op.def);
  return row != nullptr && (row->limit == nullptr || !row->limit(graph, op).has_value());
}

}  // namespace ferryman::keras
