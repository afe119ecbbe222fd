// Drops what no output needs: checks (aten._assert_…), values that forward computed in vain, the
// remains of other passes. Only for programs whose nodes compute and do nothing else.
//
//   program = remove_dead_nodes(std::move(program));
//
// Afterwards the values are numbered anew: inputs first, then results in the order of the nodes.
// All inputs stay.
#pragma once

#include "frontend/program/program.h"

namespace ferryman::frontend {

Program remove_dead_nodes(Program program);

}  // namespace ferryman::frontend
