// What a body computes with a free size that none of its inputs has.
#pragma once

#include "passes/pass.h"

namespace ferryman {

// For targets that read free sizes from the shapes of a graph's inputs: what runs such a body gets
// one operand more, a line of that many numbers.
//
//   if(c, x: [3], …)                  arange(n) inside
//   if(c, x: [3], iota: [n], …)       the body has an input of that size, which nothing reads
Pass tell_sizes_to_bodies();

}  // namespace ferryman
