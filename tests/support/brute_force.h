// Test support: the best assignment by trying all of them. The solver is measured against this.
//
//   EXPECT_EQ(evaluate(problem, solve(problem).modes), evaluate(problem, brute_force(problem)));
#pragma once

#include <iosfwd>

#include "layout/solve/problem.h"

namespace ferryman::layout {

// The first best assignment, op 0 counting fastest. Asserts at most a few million combinations.
Assignment brute_force(const Problem& problem);

// For GoogleTest.
void PrintTo(const Cost& cost, std::ostream* out);

}  // namespace ferryman::layout
