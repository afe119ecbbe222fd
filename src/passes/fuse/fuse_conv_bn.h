// Batch norms with fixed statistics disappear into the weights of the layer before or after them.
//
//   conv -> batch_norm      conv with scaled rows and another bias; also conv_transpose and linear
//   batch_norm -> conv      conv with scaled columns; exact only where no zero is padded in
//   between,
//                           or where the norm shifts by nothing
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass fuse_conv_bn();

}  // namespace ferryman
