// Test support: ops that run bodies, whose parts must fit each other. Bodies are small random
// graphs themselves.
#pragma once

#include <vector>

#include "tests/support/random_graph.h"

namespace ferryman {

// On values of the graph; invalid if none fits.
OpId add_random_control_op(Builder& builder, const OpDef& def, const std::vector<ValueId>& values,
                           RandomSource& random, const OpChoices& inside);

}  // namespace ferryman
