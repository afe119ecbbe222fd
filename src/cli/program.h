// The whole program behind a function: for main() here, and for the Python package's entry point.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ferryman::cli {

// The arguments with the program's name first; returns the exit status.
int run_program(const std::vector<std::string>& arguments);

// Semantic: "0.2.0".
std::string_view version();

}  // namespace ferryman::cli
