// Activations that the model spells out in arithmetic become the ops that targets have kernels for.
//
//   relu6(x + 3) / 6                             hardsigmoid
//   x * relu6(x + 3) / 6                         hardswish
//   x * sigmoid(x)                               silu
//   0.5 * x * (1 + erf(x / sqrt(2)))             gelu, and the tanh form in any spelling
//   log(1 + exp(x))                              softplus
//   x * tanh(softplus(x))                        mish
//   maximum(x, 0.1 * x)                          leaky_relu
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass fuse_activation_patterns();

}  // namespace ferryman
