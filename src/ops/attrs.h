// The keys of all attributes, typed. Spellings follow ATen's parameter names.
#pragma once

#include "ir/attr.h"

namespace ferryman::attr {

// Axes of operand 0.
inline constexpr AttrKey<Axis> kAxis{"axis"};
inline constexpr AttrKey<Axes> kAxes{"axes"};
inline constexpr AttrKey<bool> kKeepDim{"keepdim"};
inline constexpr AttrKey<Perm> kPerm{"perm"};
inline constexpr AttrKey<ShapeAttr> kShape{"shape"};
inline constexpr AttrKey<AxisSizes> kStarts{"starts"};
inline constexpr AttrKey<AxisSizes> kEnds{"ends"};
inline constexpr AttrKey<PerAxis> kSteps{"steps"};
inline constexpr AttrKey<PerAxis> kBefore{"before"};
inline constexpr AttrKey<PerAxis> kAfter{"after"};
inline constexpr AttrKey<PerAxis> kRepeats{"repeats"};

// One number for each spatial axis (after [N, C]), outermost first.
inline constexpr AttrKey<Ints> kKernel{"kernel"};
inline constexpr AttrKey<Ints> kStride{"stride"};
inline constexpr AttrKey<Ints> kDilation{"dilation"};
inline constexpr AttrKey<Ints> kPaddingBefore{"padding_before"};
inline constexpr AttrKey<Ints> kPaddingAfter{"padding_after"};
inline constexpr AttrKey<Ints> kOutputPadding{"output_padding"};
inline constexpr AttrKey<Ints> kOutputSize{"output_size"};
inline constexpr AttrKey<ShapeAttr> kResizedTo{"output_size"};  // of the spatial axes
// Output coordinate * 1/scale = input coordinate; empty: from the sizes.
inline constexpr AttrKey<Floats> kScales{"scales"};
inline constexpr AttrKey<bool> kCeilMode{"ceil_mode"};
inline constexpr AttrKey<bool> kCountIncludePad{"count_include_pad"};
inline constexpr AttrKey<int64_t> kDivisorOverride{"divisor_override"};  // 0: none
inline constexpr AttrKey<bool> kAlignCorners{"align_corners"};
inline constexpr AttrKey<bool> kExact{"exact"};  // nearest-exact

inline constexpr AttrKey<int64_t> kGroups{"groups"};
inline constexpr AttrKey<bool> kGroupedHeads{"grouped_heads"};
inline constexpr AttrKey<bool> kIsCausal{"is_causal"};
inline constexpr AttrKey<int64_t> kNumHeads{"num_heads"};
inline constexpr AttrKey<int64_t> kNumKeyHeads{"num_key_heads"};  // of keys and values
inline constexpr AttrKey<int64_t> kFactor{"factor"};
inline constexpr AttrKey<SizeAttr> kCount{"count"};
inline constexpr AttrKey<bool> kLargest{"largest"};
inline constexpr AttrKey<std::string> kReduction{"reduction"};  // "sum", "prod", "amax", "amin"
inline constexpr AttrKey<DType> kDType{"dtype"};
inline constexpr AttrKey<double> kEps{"eps"};
inline constexpr AttrKey<double> kMomentum{"momentum"};
inline constexpr AttrKey<double> kValue{"value"};
inline constexpr AttrKey<double> kMin{"min"};  // -inf: none
inline constexpr AttrKey<double> kMax{"max"};  // inf: none
inline constexpr AttrKey<double> kAlpha{"alpha"};
inline constexpr AttrKey<double> kBeta{"beta"};
inline constexpr AttrKey<double> kScale{"scale"};
inline constexpr AttrKey<double> kInputScale{"input_scale"};
inline constexpr AttrKey<double> kCorrection{"correction"};  // taken off a count
inline constexpr AttrKey<double> kThreshold{"threshold"};
inline constexpr AttrKey<double> kProbability{"probability"};
inline constexpr AttrKey<bool> kOfChannels{"of_channels"};
inline constexpr AttrKey<double> kNegativeSlope{"negative_slope"};
inline constexpr AttrKey<std::string> kApproximate{"approximate"};    // "none" or "tanh"
inline constexpr AttrKey<std::string> kNonlinearity{"nonlinearity"};  // "tanh" or "relu"

// Of what one target's own code computes (foreign/foreign.h).
inline constexpr AttrKey<std::string> kCode{"code"};
inline constexpr AttrKey<bool> kElementwise{"elementwise"};
inline constexpr AttrKey<TypesAttr> kResults{"results"};

// Of ops that run bodies (ops/control/control.h).
inline constexpr AttrKey<BodyId> kThen{"then"};
inline constexpr AttrKey<BodyId> kElse{"else"};
inline constexpr AttrKey<BodyId> kCondition{"condition"};
inline constexpr AttrKey<BodyId> kBody{"body"};
inline constexpr AttrKey<int64_t> kNumCarried{"carried"};
inline constexpr AttrKey<int64_t> kNumSequences{"sequences"};
inline constexpr AttrKey<bool> kReverse{"reverse"};

}  // namespace ferryman::attr
