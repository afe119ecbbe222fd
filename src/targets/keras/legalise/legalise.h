// The passes that bring a graph into a form that Keras has.
#pragma once

#include <vector>

#include "passes/choices.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace ferryman::keras {

std::vector<Pass> prepare_passes(const Choices& choices);
std::vector<Pass> legalise_passes(const Choices& choices);

// Products and norms with weights as the layers that hold these.
std::vector<Rule> weight_rules();
Pass hold_weights();
// Attention with its projections as multi_head_attention.
Pass recognise_attention();

Pass check_keras_state();
// Reports every op that Keras cannot express.
Pass check_keras();

}  // namespace ferryman::keras
