// Test support: the core graph of a program, before any pass.
//
//   FERRYMAN_TRY(const std::string text, print_core_ir(std::move(program)));
#pragma once

#include <string>

#include "frontend/program/program.h"

namespace ferryman {

// The graph after translation, as text with locations: what both readers must agree on.
Result<std::string> print_core_ir(frontend::Program program);

}  // namespace ferryman
