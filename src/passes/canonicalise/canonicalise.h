// One spelling for each computation, so that every later pattern has to be written once.
//
//   passes.push_back(canonicalise());
//   passes.push_back(merge_equal_ops());
//
// Invariants: values stay equal bit for bit, apart from reductions that are joined; nothing here is
// needed for a correct conversion.
#pragma once

#include "passes/rewrite.h"

namespace ferryman {

Pass canonicalise();
// Ops of one definition with equal operands and attributes become one.
Pass merge_equal_ops();

// The parts of canonicalise.
std::vector<Rule> canonical_shape_rules();
std::vector<Rule> canonical_arithmetic_rules();
std::vector<Rule> canonical_activation_rules();
std::vector<Rule> canonical_piece_rules();
std::vector<Rule> canonical_reduce_rules();
std::vector<Rule> canonical_infinity_rules();

}  // namespace ferryman
