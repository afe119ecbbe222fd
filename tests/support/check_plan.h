// Test support: carries out a plan as a lowering would, and compares what it finds with what the
// plan says.
//
//   EXPECT_EQ(check_plan(graph, plan), "");
#pragma once

#include <string>

#include "layout/plan.h"

namespace ferryman::layout {

// What is wrong with the plan: copies that do not add up, operands of an elementwise op whose axes
// do not face those of the result, shapes that do not hold all elements. Empty: nothing.
std::string check_plan(const Graph& graph, const LayoutPlan& plan);

}  // namespace ferryman::layout
