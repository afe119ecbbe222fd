// Constant folding and dead code: what is known at conversion time is not computed at run time.
//
//   passes.push_back(fold_constants());
//   passes.push_back(remove_dead_code());
//
// Invariants: folding never creates ops. permute, reshape, slice and expand of a constant become
// views of the same bytes; results that would enlarge the file stay ops.
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass fold_constants();
// Makes constants of the results of one op, as that pass does; whether it could.
bool fold_op(Graph& graph, OpId id);
// Those that only fed dead ops included.
Pass remove_dead_code();

}  // namespace ferryman
