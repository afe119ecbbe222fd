// Recurrent layers in products, sums and activations: one matrix product gives the input
// projections of all steps; then either loops run over the steps, or one follows the other.
//
//   passes.push_back(decompose_recurrent(keeps, plan_of_the_target));
//
// A pass of its own, since the rearranged weights are constants for other decompositions only after
// folding.
#pragma once

#include <optional>

#include "ops/layers/recurrent.h"
#include "passes/decompose/decompose.h"

namespace ferryman {

// Several loops, one after the other, run the same body.
struct TimeLoop {
  int64_t steps_per_iteration = 0;
  Dim iterations;  // of each loop
  int64_t loops = 0;

  // The rest follows.
  Dim steps(SymbolTable& symbols) const {
    return symbols.mul(iterations, loops * steps_per_iteration);
  }
};

struct RecurrentPlan {
  TimeLoop loop;
  // Both directions in one loop, with one matrix product for both.
  bool directions_together = false;
};
// What is best for a layer on a target; none: all steps one after the other.
using PlanRecurrent =
    std::function<std::optional<RecurrentPlan>(const Graph&, const RecurrentLayer&)>;

Pass decompose_recurrent(Keeps keeps, PlanRecurrent plan);

}  // namespace ferryman
