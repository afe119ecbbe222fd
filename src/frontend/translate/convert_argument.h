// An argument of a program's node as the import functions read it.
//
//   FERRYMAN_TRY(ImportArg value, convert_argument(arg, "self", value_of));
#pragma once

#include <functional>
#include <string_view>

#include "frontend/program/program.h"
#include "ops/import.h"

namespace ferryman::frontend {

using ValueOf = std::function<Result<ImportArg>(ValueIndex)>;

// `value_of`: what a value of the program is in the graph.
Result<ImportArg> convert_argument(const Argument& arg, std::string_view name,
                                   const ValueOf& value_of);

// argument 'name' what
Diag bad_argument(std::string_view name, std::string_view what);

}  // namespace ferryman::frontend
