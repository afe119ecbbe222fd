// The names of all core ops. A pass that asks for ops::kReul does not compile.
// Semantics stand in the rows (one file per family); spellings follow ATen.
#pragma once

#include "ir/op_def.h"

namespace ferryman::ops {

// Elementwise, one operand.
inline constexpr OpName kAbs{"abs"};
inline constexpr OpName kNeg{"neg"};
inline constexpr OpName kExp{"exp"};
inline constexpr OpName kLog{"log"};
inline constexpr OpName kSqrt{"sqrt"};
inline constexpr OpName kRsqrt{"rsqrt"};
inline constexpr OpName kSquare{"square"};
inline constexpr OpName kReciprocal{"reciprocal"};
inline constexpr OpName kSin{"sin"};
inline constexpr OpName kCos{"cos"};
inline constexpr OpName kTan{"tan"};
inline constexpr OpName kAsin{"asin"};
inline constexpr OpName kAcos{"acos"};
inline constexpr OpName kAtan{"atan"};
inline constexpr OpName kSinh{"sinh"};
inline constexpr OpName kCosh{"cosh"};
inline constexpr OpName kAsinh{"asinh"};
inline constexpr OpName kAcosh{"acosh"};
inline constexpr OpName kAtanh{"atanh"};
inline constexpr OpName kLog1p{"log1p"};
inline constexpr OpName kExpm1{"expm1"};
inline constexpr OpName kFloor{"floor"};
inline constexpr OpName kCeil{"ceil"};
inline constexpr OpName kRound{"round"};  // half to even
inline constexpr OpName kTrunc{"trunc"};
inline constexpr OpName kSign{"sign"};
inline constexpr OpName kErf{"erf"};
inline constexpr OpName kIsNan{"isnan"};
inline constexpr OpName kLogicalNot{"logical_not"};
inline constexpr OpName kBitwiseNot{"bitwise_not"};
inline constexpr OpName kCast{"cast"};

// Activations.
inline constexpr OpName kRelu{"relu"};
inline constexpr OpName kRelu6{"relu6"};
inline constexpr OpName kClamp{"clamp"};
inline constexpr OpName kLeakyRelu{"leaky_relu"};
inline constexpr OpName kPrelu{"prelu"};
inline constexpr OpName kElu{"elu"};
inline constexpr OpName kSigmoid{"sigmoid"};
inline constexpr OpName kTanh{"tanh"};
inline constexpr OpName kSilu{"silu"};
inline constexpr OpName kGlu{"glu"};
inline constexpr OpName kGelu{"gelu"};
inline constexpr OpName kHardswish{"hardswish"};
inline constexpr OpName kHardsigmoid{"hardsigmoid"};
inline constexpr OpName kSoftplus{"softplus"};
inline constexpr OpName kMish{"mish"};

// What training drops at random, and inference leaves as it is.
inline constexpr OpName kDropout{"dropout"};
inline constexpr OpName kAlphaDropout{"alpha_dropout"};

// Elementwise, two or three operands, broadcasting.
inline constexpr OpName kAdd{"add"};
inline constexpr OpName kSub{"sub"};
inline constexpr OpName kMul{"mul"};
inline constexpr OpName kDiv{"div"};  // floating point
inline constexpr OpName kFloorDivide{"floor_divide"};
inline constexpr OpName kTruncDivide{"trunc_divide"};
inline constexpr OpName kRemainder{"remainder"};  // sign of the divisor
inline constexpr OpName kFmod{"fmod"};            // sign of the dividend
inline constexpr OpName kPow{"pow"};
inline constexpr OpName kMaximum{"maximum"};
inline constexpr OpName kMinimum{"minimum"};
inline constexpr OpName kAtan2{"atan2"};
inline constexpr OpName kEq{"eq"};
inline constexpr OpName kNe{"ne"};
inline constexpr OpName kLt{"lt"};
inline constexpr OpName kLe{"le"};
inline constexpr OpName kGt{"gt"};
inline constexpr OpName kGe{"ge"};
inline constexpr OpName kLogicalAnd{"logical_and"};
inline constexpr OpName kLogicalOr{"logical_or"};
inline constexpr OpName kLogicalXor{"logical_xor"};
inline constexpr OpName kBitwiseAnd{"bitwise_and"};
inline constexpr OpName kBitwiseOr{"bitwise_or"};
inline constexpr OpName kBitwiseXor{"bitwise_xor"};
inline constexpr OpName kWhere{"where"};

// Reductions and scans.
inline constexpr OpName kSum{"sum"};
inline constexpr OpName kMean{"mean"};
inline constexpr OpName kProd{"prod"};
inline constexpr OpName kAmax{"amax"};
inline constexpr OpName kAmin{"amin"};
inline constexpr OpName kAny{"any"};
inline constexpr OpName kAll{"all"};
inline constexpr OpName kArgmax{"argmax"};
inline constexpr OpName kArgmin{"argmin"};
inline constexpr OpName kLogSumExp{"logsumexp"};
inline constexpr OpName kVar{"var"};
inline constexpr OpName kSoftmax{"softmax"};
inline constexpr OpName kLogSoftmax{"log_softmax"};
inline constexpr OpName kCumsum{"cumsum"};

// Convolution, pooling, resampling: any number of spatial axes after [N, C].
inline constexpr OpName kConv{"conv"};
inline constexpr OpName kConvTranspose{"conv_transpose"};
inline constexpr OpName kMaxPool{"max_pool"};
inline constexpr OpName kAvgPool{"avg_pool"};
inline constexpr OpName kAdaptiveAvgPool{"adaptive_avg_pool"};
inline constexpr OpName kAdaptiveMaxPool{"adaptive_max_pool"};
inline constexpr OpName kResizeNearest{"resize_nearest"};
inline constexpr OpName kResizeBilinear{"resize_bilinear"};
inline constexpr OpName kPixelShuffle{"pixel_shuffle"};
inline constexpr OpName kPixelUnshuffle{"pixel_unshuffle"};
inline constexpr OpName kDepthToSpace{"depth_to_space"};  // block position outside the channel
inline constexpr OpName kSpaceToDepth{"space_to_depth"};

// Products.
inline constexpr OpName kLinear{"linear"};
inline constexpr OpName kMatmul{"matmul"};
inline constexpr OpName kAttention{"attention"};
inline constexpr OpName kMultiHeadAttention{"multi_head_attention"};

// Normalisation.
inline constexpr OpName kBatchNorm{"batch_norm"};
inline constexpr OpName kLayerNorm{"layer_norm"};
inline constexpr OpName kGroupNorm{"group_norm"};
inline constexpr OpName kRmsNorm{"rms_norm"};

// Recurrence over time: whole layers.
inline constexpr OpName kLstm{"lstm"};
inline constexpr OpName kGru{"gru"};
inline constexpr OpName kRnn{"rnn"};

// What one target's own code computes (ops/foreign/foreign.h).
inline constexpr OpName kForeign{"foreign"};

// Branches and loops (ops/control/control.h).
inline constexpr OpName kIf{"if"};
inline constexpr OpName kWhile{"while"};
inline constexpr OpName kScan{"scan"};

// Shape and position.
inline constexpr OpName kIota{"iota"};
inline constexpr OpName kSymSize{"sym_size"};  // a free size as a number
inline constexpr OpName kReshape{"reshape"};
inline constexpr OpName kPermute{"permute"};
inline constexpr OpName kExpand{"expand"};
inline constexpr OpName kConcat{"concat"};
inline constexpr OpName kSlice{"slice"};
inline constexpr OpName kOverwrite{"overwrite"};  // a part of an axis, at a computed place
inline constexpr OpName kPad{"pad"};
inline constexpr OpName kReflectPad{"reflect_pad"};
inline constexpr OpName kFlip{"flip"};
inline constexpr OpName kTile{"tile"};
inline constexpr OpName kGather{"gather"};  // index_select with indices of any rank
inline constexpr OpName kTopk{"topk"};
inline constexpr OpName kSegmentReduce{"segment_reduce"};
inline constexpr OpName kNms{"nms"};
inline constexpr OpName kCut{"cut"};  // a tensor with as many entries as are counted at run time

}  // namespace ferryman::ops
