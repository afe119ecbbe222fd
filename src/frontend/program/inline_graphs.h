// Bodies that say nothing about the computation become part of the graph around them:
//
//   with torch.no_grad():          higher_order.wrap_with_set_grad_enabled(false, graph, x)
//     y = x * 2             ->     aten.mul.Tensor(x, 2)
//
// Also regions with autocast switched off. Regions with autocast on change element types, and
// branches and loops are control flow: they stay.
#pragma once

#include "frontend/program/program.h"

namespace ferryman::frontend {

// Expects a verified program and keeps it so. Names stay unique: an inner name that the graph
// around has too gets a number.
Program inline_trivial_graphs(Program program);

}  // namespace ferryman::frontend
