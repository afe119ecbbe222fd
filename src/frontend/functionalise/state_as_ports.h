// Where a file holds no state, the caller does: each buffer that forward writes becomes an input
// and an output of the buffer's name, behind the program's own. What comes out is passed in again.
//
//   program = state_as_ports(std::move(program), diagnostics);    // a remark names them
//
// Expects a functional program (functionalise.h). Afterwards it has no output of kBufferMutation.
#pragma once

#include "frontend/program/program.h"
#include "support/diagnostic.h"

namespace ferryman::frontend {

Program state_as_ports(Program program, Diagnostics& remarks);

}  // namespace ferryman::frontend
