// Test support: random instances in the shapes that networks have, small enough for brute force.
//
//   Problem problem = random_problem(seed, {.num_ops = 8, .num_labels = 3});
#pragma once

#include <cstdint>

#include "layout/solve/problem.h"

namespace ferryman::layout {

struct RandomShape {
  int num_ops = 8;
  int num_labels = 2;
  int percent_anchored = 45;    // ops with one mode
  int percent_permuting = 0;    // ops that tie different labels of their values (x + x^T)
  int percent_independent = 0;  // ops whose operands choose on their own
  int percent_all_to_all = 0;   // ops that read all earlier values (DenseNet)
};

// Layers in order, each reading one to three earlier values and writing one.
Problem random_problem(uint64_t seed, const RandomShape& shape);

}  // namespace ferryman::layout
