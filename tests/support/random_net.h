// Test support: random graphs of real ops, where layouts meet reshapes, permutes and reductions.
//
//   const TestNet net = random_net(seed, 8);
#pragma once

#include <cstdint>

#include "tests/support/test_net.h"

namespace ferryman::layout {

TestNet random_net(uint64_t seed, int num_ops);

}  // namespace ferryman::layout
