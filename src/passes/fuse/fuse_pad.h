// Explicit padding becomes the padding of the op that reads it.
//
//   pad by 0 -> conv                      conv with padding
//   pad by 0 -> avg_pool                  avg_pool that counts its padding
//   pad by -inf, or by 0 after relu -> max_pool      max_pool with padding
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass fuse_pad();

}  // namespace ferryman
