// Where the program may write: never over what it reads, and never two things to one place.
#pragma once

#include "cli/command.h"
#include "support/result.h"

namespace ferryman::cli {

// Errors for an output or report that is the input, or each other, by whatever path; that has an
// ending which promises another format; for standard output.
Status check_output_paths(const ConvertArguments& arguments);

}  // namespace ferryman::cli
