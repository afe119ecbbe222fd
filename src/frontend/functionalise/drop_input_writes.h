// A converted model computes what forward returns; it does not reach the caller's tensors. What
// forward writes into its own inputs (relu_(x), x[:, 0] = 0) is seen by the outputs that are
// computed afterwards, and by nobody else:
//
//   program = drop_input_writes(std::move(program), diagnostics);    // a remark for each input
//
// Expects a functional program (functionalise.h). Afterwards it has no output of kInputMutation,
// and no node that only such an output needed.
#pragma once

#include "frontend/program/program.h"
#include "support/diagnostic.h"

namespace ferryman::frontend {

Program drop_input_writes(Program program, Diagnostics& remarks);

}  // namespace ferryman::frontend
