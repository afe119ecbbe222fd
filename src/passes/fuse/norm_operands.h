// Operand positions of layer_norm and rms_norm; rms_norm has no bias.
#pragma once

#include <cstddef>

namespace ferryman {

constexpr size_t kNormWeight = 1;
constexpr size_t kNormBias = 2;

}  // namespace ferryman
