// Test support: recurrent ops whose operands must fit each other, which random draws seldom do.
#pragma once

#include <vector>

#include "tests/support/random_graph.h"

namespace ferryman {

bool is_recurrent(const OpDef& def);
// On a value with as many axes as the op reads, if there is one; all else are new constants.
OpId add_random_recurrent_op(Builder& builder, const OpDef& def, const std::vector<ValueId>& values,
                             RandomSource& random);

}  // namespace ferryman
