// Turns a program with in-place writes and aliases into one where every node only computes.
//
//   Diagnostics diagnostics;
//   std::optional<Program> functional = functionalise(std::move(program), diagnostics);
//
// y = x.view(-1); y[0] = 1; return x        becomes
//   %y = view(%x); %fill = full(…); %y.1 = select_scatter(%y, %fill, 0, 0)
//   %x.1 = reshape(%y.1, …); return %x.1
//
// Programs without writes come out as they went in, except that dead nodes and identities that
// only make an alias (detach, alias, lift_fresh_copy) are gone.
//
// Written memory from outside appears as an output: a user input's as kInputMutation, a parameter's
// as kParameterMutation, a buffer's or constant's as kBufferMutation. Whether these can be lowered
// is for later stages to say. Regions that only switch gradients or autocasting off are inlined.
//
// Expects a verified program (verify_program). Afterwards: no node writes to an operand, no value
// depends on which tensors share memory, every node contributes to an output.
#pragma once

#include <optional>

#include "frontend/program/program.h"
#include "support/diagnostic.h"
#include "support/result.h"

namespace ferryman::frontend {

// Reports everything that it cannot follow; nullopt if there was anything.
std::optional<Program> functionalise(Program program, Diagnostics& diagnostics);
// The same for callers that need one error only.
Result<Program> functionalise(Program program);

}  // namespace ferryman::frontend
