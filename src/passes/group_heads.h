// Keys and values that serve several heads of queries each need not be repeated.
//
//   matmul(q [B, H, L, E], repeated k)   ->   the queries of a group as rows of one matrix:
//   reshape(matmul(reshape(q, [B, H / G, G * L, E]), k), [B, H, L, S])
//
// The repetition is what grouped-query attention is spelled with: a new axis, expanded to G, merged
// into that of the heads. Afterwards nothing is copied and the products are as many as before.
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass group_heads();

}  // namespace ferryman
