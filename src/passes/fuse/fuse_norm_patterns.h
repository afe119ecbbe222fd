// Normalisations and softmax that the model spells out become one op.
//
//   d = x - mean(x); d / sqrt(mean(d * d) + eps)      layer_norm over trailing axes
//   x * rsqrt(mean(x * x) + eps)                      rms_norm
//   norm * weight, + bias                             its weight and bias
//   exp(x - amax(x)) / sum(exp(x - amax(x)))          softmax
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass fuse_norm_patterns();

}  // namespace ferryman
