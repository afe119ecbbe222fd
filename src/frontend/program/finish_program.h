// What both readers do last: nodes that failed while tracing go, outputs get their names from the
// result's tree, everything is verified, and bodies of no_grad regions become part of the graph.
#pragma once

#include "frontend/program/program.h"
#include "frontend/program/treespec.h"

namespace ferryman::frontend {

Result<Program> finish_program(Program program, const NamedTupleFields& fields);

// The text of a number that a symbolic float or a complex argument carries.
std::string print_number(double number);
EnumArg make_complex(double real, double imaginary);

}  // namespace ferryman::frontend
