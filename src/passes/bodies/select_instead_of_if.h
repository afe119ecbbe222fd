// Small branches that can do no harm are both computed, and the results chosen:
//
//   if(c, x) {then: x * 2, else: x + 1}      ->      where(c, x * 2, x + 1)
//
// For targets where a branch costs more than that: it copies what goes in and comes out, and parts
// what one delegate computes. A branch whose ops could stop the runtime or take long stays one.
#pragma once

#include <cstdint>

#include "passes/pass.h"

namespace ferryman {

// What both branches together may have.
struct SmallBranches {
  int64_t max_ops = 0;       // that compute, the choice itself apart
  int64_t max_elements = 0;  // of all that they compute
};

Pass select_instead_of_if(SmallBranches limits);

}  // namespace ferryman
