// Test support: attention layers, whose operands must fit each other.
#pragma once

#include <vector>

#include "tests/support/random_graph.h"

namespace ferryman {

// Of sequences among the values, or constants.
OpId add_random_attention_layer(Builder& builder, const std::vector<ValueId>& values,
                                RandomSource& random);

}  // namespace ferryman
